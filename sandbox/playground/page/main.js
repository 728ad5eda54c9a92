/** The page: two phones, the form, the timeline, and the gateway that may be killed. */

import * as api from "./api.js";
import { by, h, say } from "./dom.js";
import { Outage, told } from "./outage.js";
import { Phone } from "./phone.js";
import { prepareForm } from "./send_form.js";
import { TimelineView } from "./timeline.js";

const AGAIN_MS = 1500;
const MEANWHILE = 3;

/** @type {Map<string, Phone>} */
const phones = new Map();
/** @type {Outage | undefined} */
let outage;
/** @type {TimelineView} */
let timeline;
let killed = 0;

/** @returns {Promise<import("./api.js").Stage>} */
async function stageOnce() {
  for (;;) {
    try {
      return await api.stage();
    } catch (error) {
      say(by("wait"), error instanceof api.Refused ? error.text : String(error));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/**
 * The component comes from the gateway, which may be down just now.
 * @param {import("./api.js").Stage} stage
 */
async function fetchComponent({ urls, component }) {
  if (component === "not_built") {
    const why = "It is not built yet: make web (Node.js 20 or newer), then kill the gateway here. It reads the files when it starts.";
    for (const phone of phones.values()) phone.lack(why);
  }
  for (let turn = 0; ; turn++) {
    try {
      await import(`${urls.gateway}/client/inbox.mjs${turn ? `?again=${turn}` : ""}`);
      if (component === "not_built") location.reload();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** @param {import("./api.js").Stage} stage */
function link({ urls }) {
  for (const [id, url] of Object.entries({ sink: urls.sink, ingest: `${urls.ingest}/docs`, gateway: `${urls.gateway}/docs`, console: `${urls.console}/docs` })) {
    const anchor = by(`${id}-link`);
    anchor.href = url;
    anchor.hidden = false;
  }
}

/**
 * @param {{ workflow: string }} order
 * @param {import("./api.js").Accepted[]} accepted
 */
function accepted({ workflow }, accepted) {
  outage?.accepted(accepted);
  const sent = accepted.flatMap(({ id, user }) => {
    const owner = phones.get(user)?.owner;
    return owner ? [{ id, workflow, sentAt: Date.now(), owner }] : [];
  });
  timeline.add(sent);
  drawOutage();
}

function drawOutage() {
  if (!outage) return;
  const [now, kept] = [Date.now(), timeline.kept];
  const lines = [...phones.values()].map((phone) => told(phone.owner.name, /** @type {Outage} */ (outage).report(phone.owner.id, now, phone.received, kept)));
  const place = by("outage");
  while (place.children.length < lines.length) place.append(h("p"));
  lines.forEach((line, at) => say(place.children[at], line));
}

async function kill() {
  const button = by("kill");
  button.disabled = true;
  outage = new Outage(Date.now(), [...phones.keys()]);
  try {
    await api.killGateway();
    if (by("meanwhile").checked) await sendMeanwhile();
  } catch (error) {
    outage = undefined;
    by("outage").replaceChildren(h("p", { class: "fault" }, error instanceof api.Refused ? error.text : String(error)));
  }
  button.disabled = false;
}

async function sendMeanwhile() {
  killed += 1;
  for (let number = 1; number <= MEANWHILE; number++) {
    const order = { workflow: "order.shipped", to: [...phones.keys()], data: { order: `K${killed}-${number}`, carrier: "DHL" } };
    accepted(order, await api.send(order));
  }
}

const stage = await stageOnce();
link(stage);
timeline = new TimelineView(stage.urls.sink ?? "", drawOutage);
for (const owner of stage.people) {
  phones.set(
    owner.id,
    new Phone(owner, stage.urls, {
      connection: (state) => {
        outage?.changed(owner.id, state, Date.now());
        drawOutage();
      },
      received: (id) => {
        timeline.wants(id);
        drawOutage();
      },
      changed: () => timeline.cards.filter((card) => card.sent.owner.id === owner.id).forEach((card) => timeline.wants(card.sent.id)),
    }),
  );
}
by("phones").replaceChildren(...[...phones.values()].map((phone) => phone.element));
prepareForm(stage, accepted);
by("kill").addEventListener("click", () => void kill());
setInterval(() => {
  for (const phone of phones.values()) phone.tick(Date.now());
  drawOutage();
}, 1000);
await fetchComponent(stage);
