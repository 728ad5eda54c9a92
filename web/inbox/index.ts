import { CarillonInboxElement, setHome } from "./element.js";

export { CarillonClient, CarillonError } from "../client/index.js";
export { CarillonInboxElement, type TokenSource } from "./element.js";
export { addLocale, type Messages } from "./texts.js";

/** As a plain script it has no `import.meta`: the build leaves undefined in its place. */
const own = import.meta.url as string | undefined;
const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : own;
setHome(script && /^https?:/.test(script) ? script : undefined);

if (!customElements.get("carillon-inbox")) customElements.define("carillon-inbox", CarillonInboxElement);
