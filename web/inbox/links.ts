/** Where a link may lead: http and https. `javascript:`, `data:` and what is no URL is no link. */

export function safeLink(url: string | undefined | null, base: string): string | undefined {
  if (!url) return undefined;
  try {
    const found = new URL(url, base);
    return found.protocol === "https:" || found.protocol === "http:" ? found.href : undefined;
  } catch {
    return undefined;
  }
}
