/** What the client needs of a browser; tests bring their own. */

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

export interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<unknown>;
}

/** `stale`: the page was frozen, and others' messages went past it. */
export type Hint = "online" | "offline" | "visible" | "stale";

export interface Environment {
  open(url: string, subprotocols: string[]): Socket;
  /** Undefined where there are no channels or no locks: then each tab has a socket of its own. */
  tabs?: { channel(name: string): Channel; locks: Locks } | undefined;
  online(): boolean;
  visible(): boolean;
  random(): number;
  /** Returns how to stop listening. */
  watch(listener: (hint: Hint) => void): () => void;
}

export function browser(): Environment {
  const locks = navigator.locks as LockManager | undefined;
  return {
    open: (url, subprotocols) => new WebSocket(url, subprotocols) as unknown as Socket,
    tabs:
      locks && typeof BroadcastChannel === "function"
        ? { channel: (name) => new BroadcastChannel(name) as unknown as Channel, locks }
        : undefined,
    online: () => navigator.onLine,
    visible: () => document.visibilityState !== "hidden",
    random: Math.random,
    watch(listener) {
      const ends = new AbortController();
      const on = (target: EventTarget, name: string, hint: (event: Event) => Hint | false) => {
        const heard = (event: Event) => {
          const found = hint(event);
          if (found) listener(found);
        };
        target.addEventListener(name, heard, { signal: ends.signal });
      };
      on(window, "online", () => "online");
      on(window, "offline", () => "offline");
      on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && "stale");
      on(document, "visibilitychange", () => document.visibilityState === "visible" && "visible");
      return () => ends.abort();
    },
  };
}
