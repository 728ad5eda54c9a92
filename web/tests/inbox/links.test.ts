import { expect, test } from "vitest";
import { safeLink } from "../../inbox/links.js";

const PAGE = "https://app.example/inbox";

test.each([
  ["https://other.example/x", "https://other.example/x"],
  ["http://other.example", "http://other.example/"],
  ["/orders/1", "https://app.example/orders/1"],
  ["orders/1", "https://app.example/orders/1"],
  ["//other.example/x", "https://other.example/x"],
])("%s leads to %s", (url, href) => expect(safeLink(url, PAGE)).toBe(href));

test.each([
  "javascript:alert(1)",
  " JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "\u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://app.example/1",
  "https://",
  "",
  null,
  undefined,
])("%j is no link", (url) => expect(safeLink(url, PAGE)).toBeUndefined());
