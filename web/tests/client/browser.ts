/** A browser with a network, for tests: sockets that a test answers, tabs with channels and locks. */

import type { Channel, Environment, Hint, Locks, Socket } from "../../client/environment.js";

export class TestSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly said: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.said.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  /** What the server does. */
  accept(more: object = {}): void {
    this.onopen?.();
    this.tell({ type: "hello", cursor: "c0", unread: 0, as_of: { offset: 0, at: 0 }, user: "ann", ...more });
  }

  tell(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  end(code: number, reason = ""): void {
    this.closed = true;
    this.onclose?.({ code, reason });
  }

  of(type: string): Record<string, unknown>[] {
    return this.said.filter((message) => message.type === type);
  }
}

export class TestBrowser {
  readonly sockets: TestSocket[] = [];
  readonly #channels = new Map<string, Set<TestChannel>>();
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  readonly #held = new Set<string>();
  online = true;

  get socket(): TestSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  /** One tab; `hint` is what the browser tells it. */
  tab({ shared = true, visible = true } = {}): Environment & { hint(hint: Hint): void } {
    const listeners = new Set<(hint: Hint) => void>();
    return {
      open: () => {
        this.sockets.push(new TestSocket());
        return this.socket;
      },
      tabs: shared ? { channel: (name) => this.#channel(name), locks: this.#locks } : undefined,
      online: () => this.online,
      visible: () => visible,
      random: () => Math.random(),
      watch: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      hint: (hint) => listeners.forEach((listener) => listener(hint)),
    };
  }

  #channel(name: string): Channel {
    const all = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, all);
    const made = new TestChannel(all);
    all.add(made);
    return made;
  }

  readonly #locks: Locks = {
    request: (name, { signal }, held) => {
      const turn = async () => {
        if (!signal.aborted) await held();
        const next = this.#waiting.get(name)?.shift();
        if (next) await next();
        else this.#held.delete(name);
      };
      if (this.#held.has(name)) this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), turn]);
      else {
        this.#held.add(name);
        void turn();
      }
      return Promise.resolve();
    },
  };
}

class TestChannel implements Channel {
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(private readonly all: Set<TestChannel>) {}

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message);
    for (const other of this.all) if (other !== this) queueMicrotask(() => other.onmessage?.({ data }));
  }

  close(): void {
    this.all.delete(this);
  }
}

export function token(user: string, tenant?: string): string {
  const claims = JSON.stringify({ sub: user, tenant });
  return `h.${btoa(String.fromCharCode(...new TextEncoder().encode(claims)))}.s`;
}
