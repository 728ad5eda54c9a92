/** The form: which workflow, to whom, with what, when. */

import * as api from "./api.js";
import { by, h, say, set } from "./dom.js";

const LATER_SECONDS = 10;

/**
 * @param {import("./api.js").Stage} stage
 * @param {(order: { workflow: string }, accepted: import("./api.js").Accepted[]) => void} sent
 */
export function prepareForm(stage, sent) {
  const [workflow, data, to] = [by("workflow"), by("data"), by("to")];
  workflow.append(...stage.workflows.map(({ key }) => h("option", { value: key }, key)));
  const first = stage.workflows.find(({ key }) => key === "order.shipped") ?? stage.workflows[0];
  if (first) workflow.value = first.key;
  const choices = [...stage.people.map(({ id, name }) => ({ value: id, text: name })), { value: "both", text: "both" }];
  to.replaceChildren(
    ...choices.map(({ value, text }) => {
      const input = h("input", { type: "radio", name: "to", value, checked: value === "both" });
      return h("label", { class: "choice" }, input, text);
    }),
  );
  const show = () => {
    const chosen = stage.workflows.find(({ key }) => key === workflow.value);
    data.value = JSON.stringify(chosen?.example ?? {}, null, 2);
    blame("");
    const notes = chosen ? [chosen.category, `by ${chosen.channels.join(", ")}`, chosen.priority !== "normal" && `${chosen.priority} priority`, chosen.critical && "critical: neither quiet hours nor preferences stop it"] : [];
    say(by("about"), notes.filter(Boolean).join(" · "));
  };
  workflow.addEventListener("change", show);
  show();
  by("send").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const content = parsed(data.value);
    if (content === undefined) return data.focus();
    const chosen = to.querySelector("input:checked").value;
    const order = {
      workflow: workflow.value,
      to: chosen === "both" ? stage.people.map(({ id }) => id) : [chosen],
      data: content,
      ...(by("priority").value && { priority: by("priority").value }),
      in_seconds: by("later").checked ? LATER_SECONDS : 0,
    };
    try {
      const accepted = await api.send(order);
      say(by("sent"), `Accepted at ${new Date().toLocaleTimeString("en-GB")}: durable from here on.`);
      sent(order, accepted);
    } catch (error) {
      say(by("sent"), `Not accepted: ${error instanceof api.Refused ? error.text : error}`);
    }
  });
}

/**
 * The object in a text; undefined, and it is said, when there is none.
 * @param {string} text
 * @returns {object | undefined}
 */
function parsed(text) {
  try {
    const found = JSON.parse(text || "{}");
    if (found && typeof found === "object" && !Array.isArray(found)) {
      blame("");
      return found;
    }
    blame("It must be an object: {…}");
  } catch (error) {
    blame(`It is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}

/** @param {string} why */
function blame(why) {
  set(by("data"), "aria-invalid", why ? "true" : null);
  say(by("data-fault"), why);
}
