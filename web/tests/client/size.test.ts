import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

test.each(["esm", "iife"] as const)("the client as %s has less than 5 kB, gzipped", async (format) => {
  const entry = fileURLToPath(new URL("../../client/index.ts", import.meta.url));
  const options = { bundle: true, minify: true, write: false, target: "es2022", globalName: "Carillon" } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [entry], format });
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThan(5_000);
});
