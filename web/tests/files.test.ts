import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const web = fileURLToPath(new URL("..", import.meta.url));
const files = ["client", "inbox", "tests", "../sandbox/playground/page", "../sandbox/workorders/page"].flatMap((folder) =>
  readdirSync(`${web}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => `${folder}/${name}`),
);

test("no file is long", () => {
  expect(files.length).toBeGreaterThan(20);
  const long = files.filter((name) => readFileSync(`${web}/${name}`, "utf8").split("\n").length > 251);
  expect(long).toEqual([]);
});

test("text is never written as HTML", () => {
  const HTML = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser/;
  expect(files.filter((name) => name !== "tests/files.test.ts" && HTML.test(readFileSync(`${web}/${name}`, "utf8")))).toEqual([]);
});

test("nothing is needed at run time, and every version is exact", () => {
  const named = JSON.parse(readFileSync(`${web}/package.json`, "utf8")) as Record<string, Record<string, string>>;
  expect(named.dependencies).toBeUndefined();
  expect(Object.values(named.devDependencies ?? {}).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
