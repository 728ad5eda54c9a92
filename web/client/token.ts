/** What a page gave in place of a token is said by its kind: nobody finds it from "it is no JWT". */

const MISTAKES: [RegExp, string][] = [
  [/^\s*</, "a page of HTML: look at what its address answers"],
  [/^\s*\{/, "a JSON object: return the token that is in it"],
  [/^\s*"/, "a JSON string: parse it"],
  [/^\s*bearer\s/i, 'a header\'s value: leave "Bearer" out'],
  [/^\s*$/, "an empty text"],
];

/** The token without white space around it. Throws an error that says what it is not, with nothing of it. */
export function checkToken(found: unknown): string {
  const wrong = typeof found === "string" ? MISTAKES.find(([sign]) => sign.test(found))?.[1] : `${found === null ? null : typeof found}, no text`;
  if (wrong) throw new TypeError(`the token function gave ${wrong}`);
  return (found as string).trim();
}
