/** Whose token it is: only to keep cursors and tabs of users apart. The gateway is what checks it. */

/** `tenant/user` of a JWT. What is no JWT is told apart by itself. */
export function owner(token: string): string {
  try {
    const part = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown; tenant?: unknown };
    if (typeof claims.sub === "string") return JSON.stringify([claims.tenant ?? "default", claims.sub]);
  } catch {
    // the gateway says what is wrong with it
  }
  return "?";
}
