/** Tabs of one user in one browser share a socket: who holds the lock has it, the others hear by a channel. */

import type { Channel, Environment } from "./environment.js";

export interface TabHooks<Message> {
  /** This tab has the socket from now on. */
  lead(): void;
  /** What another tab has posted. */
  heard(message: Message): void;
}

export class Tabs<Message> {
  leads = false;
  readonly #channel: Channel | undefined;
  readonly #left = new AbortController();
  #release: () => void = () => undefined;

  constructor(
    private readonly name: string,
    private readonly env: Environment,
    private readonly hooks: TabHooks<Message>,
  ) {
    this.#channel = env.tabs?.channel(name);
    if (this.#channel) this.#channel.onmessage = ({ data }) => this.hooks.heard(data as Message);
  }

  /** Asks for the lock; without locks each tab leads itself. */
  join(): void {
    if (!this.env.tabs) return this.#lead();
    const held = () =>
      new Promise<void>((release) => {
        this.#release = release;
        if (this.#left.signal.aborted) release();
        else this.#lead();
      });
    this.env.tabs.locks.request(this.name, { signal: this.#left.signal }, held).catch(() => {
      // left before it was this tab's turn
    });
  }

  post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  /** Lets another tab have the socket if one waits, and asks for it again later. False without locks. */
  yield(again: number): boolean {
    if (!this.env.tabs || !this.leads) return false;
    this.leads = false;
    this.#release();
    setTimeout(() => this.#left.signal.aborted || this.join(), again);
    return true;
  }

  leave(): void {
    this.leads = false;
    this.#left.abort();
    this.#release();
    if (this.#channel) this.#channel.onmessage = null;
    this.#channel?.close();
  }

  #lead(): void {
    this.leads = true;
    this.hooks.lead();
  }
}
