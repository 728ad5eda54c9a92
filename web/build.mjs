// Builds what the gateway serves at /client/: each as an ES module and as a plain script.
import { build } from "esbuild";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const into = `${here}../services/gateway/web`;
const common = { absWorkingDir: here, bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "warning" };

await rm(into, { recursive: true, force: true });
for (const [name, entry, globalName] of [
  ["client", "client/index.ts", "Carillon"],
  ["inbox", "inbox/index.ts", "CarillonInbox"],
]) {
  await build({ ...common, entryPoints: [entry], format: "esm", outfile: `${into}/${name}.mjs`, sourcemap: "linked" });
  await build({ ...common, entryPoints: [entry], format: "iife", globalName, define: { "import.meta.url": "undefined" }, outfile: `${into}/${name}.js`, sourcemap: "linked" });
}
