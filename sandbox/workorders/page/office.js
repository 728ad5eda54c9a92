/** The office: alerts as they come, and messages to the technician or to everybody. */

import { post } from "./calls.js";
import { by, prepare, show } from "./view.js";

prepare("write", async () => {
  await post("/api/messages", { message: by("message").value, priority: by("priority").value, to_everybody: by("everybody").checked });
  by("message").value = "";
  return by("everybody").checked ? "Sent to everybody." : "Sent to Tom.";
});
show("olga");
