/** Below the server's limit of 20 messages a second and 100 at once, however fast the page is. */

const BURST = 40;
const EACH_MS = 70;

export class Pace {
  #free = BURST;
  #at = 0;
  #queue: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly write: (text: string) => void) {}

  say(text: string): void {
    this.#queue.push(text);
    this.#flush();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
  }

  #flush(): void {
    const now = Date.now();
    this.#free = Math.min(BURST, this.#free + Math.max(0, now - this.#at) / EACH_MS);
    this.#at = now;
    for (; this.#queue.length && this.#free >= 1; this.#free--) this.write(this.#queue.shift()!);
    if (!this.#queue.length) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, EACH_MS);
  }
}
