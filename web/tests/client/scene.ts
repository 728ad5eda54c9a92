/** One user's tabs: clients in a test browser, and what they tell. */

import { vi } from "vitest";
import { CarillonClient, type ClientOptions, type CursorStore } from "../../client/index.js";
import { TestBrowser, token } from "./browser.js";

export class MemoryCursors implements CursorStore {
  readonly kept = new Map<string, string>();
  load = (key: string): string | null => this.kept.get(key) ?? null;
  save = (key: string, cursor: string | null): void =>
    void (cursor === null ? this.kept.delete(key) : this.kept.set(key, cursor));
}

export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

export class Scene {
  readonly browser = new TestBrowser();
  readonly cursors = new MemoryCursors();

  open(options: Partial<ClientOptions> & { user?: string; visible?: boolean } = {}) {
    const tab = this.browser.tab({ shared: options.share !== false, visible: options.visible ?? true });
    const client = new CarillonClient({
      url: "ws://gateway",
      token: () => token(options.user ?? "ann"),
      cursors: this.cursors,
      environment: tab,
      ...options,
    });
    const heard: [string, Record<string, unknown>][] = [];
    for (const name of ["notification", "state", "reset", "error", "counts", "hello"] as const) {
      client.on(name, (detail) => heard.push([name, detail as never]));
    }
    client.start();
    const of = (name: string) => heard.filter(([each]) => each === name).map(([, detail]) => detail);
    return { client, tab, of };
  }

  async opened(options: Parameters<Scene["open"]>[0] = {}) {
    const found = this.open(options);
    await settle();
    this.browser.socket.accept();
    await settle();
    return found;
  }

  notify(id: string, more: object = {}): void {
    const item = { id, workflow: "w", offset: 1, created_at: 1 };
    const counts = { unread: 1, as_of: { offset: 1, at: 1 } };
    this.browser.socket.tell({ type: "notification", item, ...counts, cursor: `c-${id}`, ...more });
  }
}
