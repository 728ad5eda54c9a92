/** The technician: what is new of the work orders, and updates of them. */

import { call, post } from "./calls.js";
import { by, prepare, show } from "./view.js";

prepare("update", async () => {
  const [order, status] = [by("order").value, by("status").value];
  const said = { status, notes: by("notes").value || null, issues: by("issues").value || null, alert_office: by("alert").checked };
  await post(`/api/work-orders/${order}`, said);
  for (const name of ["notes", "issues"]) by(name).value = "";
  by("alert").checked = false;
  return `Work order ${order}: ${status}. It is durable.`;
});
show("tom");
for (const { id, title } of await call("/api/work-orders")) by("order").append(new Option(`${id}: ${title}`, id));
