/** Commands wait for their `ok`. All may be repeated, so what has no answer yet is said again after a reconnect. */

import { MAX_IDS, type Command, type Ok, type Rejected } from "./protocol.js";

/** The server rejected a command, or the client was stopped before it answered. */
export class CarillonError extends Error {
  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

interface Pending {
  command: Command & { ref: string };
  done(updated: number): void;
  failed(error: CarillonError): void;
}

export class Commands {
  #count = 0;
  readonly #pending = new Map<string, Pending>();
  /** Refs are answered to all tabs of a socket: each has its own. */
  readonly #mark: string;

  constructor(
    private readonly say: (command: object) => void,
    private readonly random: () => number,
  ) {
    this.#mark = random().toString(36).slice(2, 12);
  }

  /** How many items were found, once it is durable. More ids than one command takes become several. */
  async send(command: Command): Promise<number> {
    const { ids } = command;
    if (!ids) return this.#one(command);
    const parts = [];
    for (let at = 0; at < ids.length; at += MAX_IDS) parts.push({ ...command, ids: ids.slice(at, at + MAX_IDS) });
    const updated = await Promise.all(parts.map((part) => this.#one(part)));
    return updated.reduce((sum, each) => sum + each, 0);
  }

  /** Whether the answer was for one of these. */
  answered(message: Ok | Rejected): boolean {
    const ref = message.ref ?? "";
    const found = this.#pending.get(ref);
    if (!found) return false;
    if (message.type === "error" && message.code === "temporarily_unavailable") {
      setTimeout(() => this.#pending.has(ref) && this.say(found.command), 1_000 + 2_000 * this.random());
      return true;
    }
    this.#pending.delete(ref);
    if (message.type === "ok") found.done(message.updated ?? 0);
    else found.failed(new CarillonError(message.code, message.detail));
    return true;
  }

  repeat(): void {
    for (const { command } of this.#pending.values()) this.say(command);
  }

  stop(): void {
    for (const { failed } of this.#pending.values()) failed(new CarillonError("stopped", "the client was stopped"));
    this.#pending.clear();
  }

  #one(command: Command): Promise<number> {
    const ref = `${this.#mark}.${++this.#count}`;
    return new Promise((done, failed) => {
      const pending = { command: { ...command, ref }, done, failed };
      this.#pending.set(ref, pending);
      this.say(pending.command);
    });
  }
}
