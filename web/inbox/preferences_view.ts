/** The settings: channels, types, quiet hours. What the gateway rejects is said where it was typed. */

import type { Actions } from "./actions.js";
import type { Preferences } from "./api.js";
import { h, iconButton, set } from "./dom.js";
import type { Texts } from "./texts.js";

export interface PreferencesState {
  shown: Preferences | undefined;
  phase: "loading" | "failed" | "ready" | "saving" | "saved" | "rejected";
  faults: { pointer: string; detail: string }[];
}

export class PreferencesView {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  readonly #body = h("div", { class: "scroll", tabindex: -1 });
  readonly #status = h("span", { role: "status" });
  #form: HTMLFormElement | undefined;
  #read: () => Preferences = () => ({}) as Preferences;
  #save: HTMLButtonElement | undefined;

  constructor(
    private readonly texts: Texts,
    private readonly actions: Actions,
    closes: boolean,
  ) {
    this.heading = h("h2", { id: "title", tabindex: -1 }, texts.text("preferences"));
    this.element = h(
      "div",
      { class: "view" },
      h(
        "header",
        { class: "with-back" },
        iconButton("back", texts.text("back"), () => actions.back()),
        this.heading,
        closes && iconButton("close", texts.text("close"), () => actions.close()),
      ),
      this.#body,
    );
  }

  update({ shown, phase, faults }: PreferencesState): void {
    if (!shown) return this.#wait(phase === "failed");
    if (!this.#form) {
      this.#form = this.#make(shown);
      this.#body.replaceChildren(this.#form);
    }
    this.#save!.disabled = phase === "saving";
    const said = phase === "saved" ? "saved" : phase === "rejected" ? "not_saved" : undefined;
    const text = said ? this.texts.text(said) : "";
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.className = phase === "rejected" ? "fault" : "";
    this.#blame(faults);
  }

  #wait(failed: boolean): void {
    this.#form = undefined;
    const retry = h("button", { type: "button", class: "button", onclick: () => this.actions.settings() }, this.texts.text("retry"));
    const text = this.texts.text(failed ? "preferences_failed" : "loading");
    this.#body.replaceChildren(h("p", { class: "empty", role: "status" }, text), ...(failed ? [h("p", { class: "empty" }, retry)] : []));
  }

  #make(shown: Preferences): HTMLFormElement {
    const { texts } = this;
    const push = this.#choice("push_notifications", texts.text("push"), shown.push_notifications);
    const email = this.#choice("email_notifications", texts.text("email"), shown.email_notifications);
    const types = Object.entries(shown.notification_types).map(([name, on]) => ({
      name,
      ...this.#choice(`notification_types/${name}`, texts.type(name), on),
    }));
    const hours = shown.quiet_hours;
    const on = this.#choice("quiet_hours/enabled", texts.text("quiet_hours_on"), hours.enabled);
    const from = this.#time("start_time", texts.text("from"), hours.start_time);
    const until = this.#time("end_time", texts.text("until"), hours.end_time);
    const zone = this.#zone(hours.timezone ?? "UTC");
    const details = h("div", {}, h("div", { class: "times" }, from.label, until.label), zone.label);
    const toggle = () => (details.hidden = !on.input.checked);
    on.input.addEventListener("change", toggle);
    toggle();
    this.#read = () => ({
      push_notifications: push.input.checked,
      email_notifications: email.input.checked,
      notification_types: Object.fromEntries(types.map(({ name, input }) => [name, input.checked])),
      quiet_hours: {
        enabled: on.input.checked,
        start_time: from.value(),
        end_time: until.value(),
        timezone: zone.input.value,
      },
    });
    this.#save = h("button", { type: "submit", class: "button main" }, texts.text("save"));
    const group = (legend: string, ...children: Node[]) => h("fieldset", {}, h("legend", {}, legend), ...children);
    const onsubmit = (event: Event) => {
      event.preventDefault();
      this.actions.save(this.#read());
    };
    return h(
      "form",
      { novalidate: true, "aria-labelledby": "title", onsubmit },
      group(texts.text("channels"), push.label, email.label),
      types.length > 0 && group(texts.text("types"), ...types.map(({ label }) => label)),
      group(texts.text("quiet_hours"), on.label, details),
      h("div", { class: "save" }, this.#save, this.#status),
    );
  }

  #choice(name: string, text: string, checked: boolean) {
    const input = h("input", { type: "checkbox", "data-name": name });
    input.checked = checked;
    return { input, label: h("label", { class: "choice" }, input, h("span", { dir: "auto" }, text)) };
  }

  /** What was not touched goes back as it came: 24:00 is 00:00 to a browser. */
  #time(name: string, text: string, stored: string) {
    const input = h("input", { type: "time", required: true, "data-name": `quiet_hours/${name}` });
    input.value = stored === "24:00" ? "00:00" : stored;
    const shown = input.value;
    return { value: () => (input.value === shown ? stored : input.value), label: this.#field(text, input) };
  }

  #zone(chosen: string) {
    const input = h("select", { "data-name": "quiet_hours/timezone" });
    for (const zone of new Set([chosen, "UTC", ...Intl.supportedValuesOf("timeZone")])) {
      input.append(h("option", { value: zone }, zone.replace(/_/g, " ")));
    }
    input.value = chosen;
    return { input, label: this.#field(this.texts.text("timezone"), input) };
  }

  #field(text: string, input: HTMLElement): HTMLElement {
    const name = input.dataset.name!.replace("/", "-");
    set(input, "aria-describedby", `fault-${name}`);
    return h("label", { class: "field" }, text, input, h("span", { class: "fault", id: `fault-${name}` }));
  }

  #blame(faults: PreferencesState["faults"]): void {
    const said = new Map(faults.map(({ pointer, detail }) => [pointer.replace(/^[#/]+/, ""), detail]));
    let first: HTMLElement | undefined;
    for (const input of this.#form!.querySelectorAll<HTMLElement>("[data-name]")) {
      const fault = said.get(input.dataset.name!);
      const wasBad = input.getAttribute("aria-invalid") === "true";
      set(input, "aria-invalid", fault ? "true" : null);
      const place = this.#form!.querySelector(`#fault-${CSS.escape(input.dataset.name!.replace("/", "-"))}`);
      if (place) place.textContent = fault ?? "";
      if (fault && !wasBad) first ??= input;
    }
    first?.focus();
  }
}
