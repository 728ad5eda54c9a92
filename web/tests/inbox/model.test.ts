import { expect, test } from "vitest";
import type { Item } from "../../client/index.js";
import type { Filter } from "../../inbox/api.js";
import { InboxModel } from "../../inbox/model.js";

const item = (id: string, created_at: number, more: Partial<Item> = {}): Item => ({ id, created_at, title: id, ...more });
const NOW = 1_000;
const shown = (model: InboxModel, filter: Filter = "all", now = NOW) => model.list(filter, now).map(({ id }) => id);

test("newest first, each once, however it is told", () => {
  const model = new InboxModel();
  model.put(item("b", 2));
  model.page("all", { items: [item("c", 3), item("b", 2), item("a", 1)], next: null }, true);
  model.put(item("d", 4));
  model.put(item("c", 3));
  expect(shown(model)).toEqual(["d", "c", "b", "a"]);
});

test("what is older than the pages that were read waits for its page", () => {
  const model = new InboxModel();
  for (const at of [1, 2, 3, 4]) model.put(item(`i${at}`, at));
  model.page("all", { items: [item("i4", 4), item("i3", 3)], next: "x" }, true);
  expect(shown(model)).toEqual(["i4", "i3"]);
  model.page("all", { items: [item("i2", 2), item("i1", 1)], next: null }, false);
  expect(shown(model)).toEqual(["i4", "i3", "i2", "i1"]);
});

test("items of one time stand as the gateway has them, and none of a later page before it", () => {
  const model = new InboxModel();
  for (const id of ["a", "b", "c", "d"]) model.put(item(id, 7, { offset: id.charCodeAt(0) }));
  model.page("all", { items: [item("d", 7), item("c", 7)], next: "x" }, true);
  expect(shown(model)).toEqual(["d", "c"]);
  model.put(item("e", 7));
  expect(shown(model)).toEqual(["e", "d", "c"]);
  model.page("all", { items: [item("b", 7), item("a", 7)], next: null }, false);
  expect(shown(model)).toEqual(["e", "d", "c", "b", "a"]);
});

test("a state is whole: what it does not have was taken back", () => {
  const model = new InboxModel();
  model.put(item("a", 1, { read_at: 5, updated_at: 5 }));
  model.apply([{ id: "a", updated_at: 6 }]);
  expect(model.get("a")?.read_at).toBeUndefined();
  expect(shown(model, "unread")).toEqual(["a"]);
});

test("of two states the larger updated_at is right, in either order", () => {
  for (const order of [[6, 7], [7, 6]]) {
    const model = new InboxModel();
    model.put(item("a", 1));
    for (const at of order) model.apply([{ id: "a", updated_at: at, ...(at === 7 && { archived_at: 7 }) }]);
    expect([shown(model), shown(model, "archived")]).toEqual([[], ["a"]]);
  }
});

test("a page that was read before does not bring back what is gone, nor undo what was done", () => {
  const model = new InboxModel();
  model.apply([{ id: "a", updated_at: 9, deleted_at: 9 }, { id: "b", updated_at: 9, read_at: 9 }]);
  model.page("all", { items: [item("b", 2, { updated_at: 2 }), item("a", 1, { updated_at: 1 })], next: null }, true);
  expect(shown(model)).toEqual(["b"]);
  expect(shown(model, "unread")).toEqual([]);
});

test("a page that is newer than what is known wins", () => {
  const model = new InboxModel();
  model.put(item("a", 1, { read_at: 3, updated_at: 3 }));
  model.page("all", { items: [item("a", 1, { updated_at: 8 })], next: null }, true);
  expect(model.get("a")?.read_at).toBeUndefined();
});

test("what the user did is shown at once, until the server's word of it, whatever the clocks say", () => {
  const model = new InboxModel();
  model.put(item("a", 1));
  model.guess("a", { read_at: 99_999 });
  expect(shown(model, "unread")).toEqual([]);
  model.apply([{ id: "a", updated_at: 2 }]);
  expect(shown(model, "unread")).toEqual(["a"]);
});

test("a guess that was wrong is taken back, but not the server's word that came since", () => {
  const model = new InboxModel();
  model.put(item("a", 1));
  model.guess("a", { archived_at: 5 })();
  expect(shown(model)).toEqual(["a"]);
  const undo = model.guess("a", { read_at: 5 });
  model.apply([{ id: "a", updated_at: 6, archived_at: 6 }]);
  undo();
  expect(shown(model)).toEqual([]);
});

test("what is over is nowhere, by the page's own clock", () => {
  const model = new InboxModel();
  model.page("all", { items: [item("b", 2, { expires_at: NOW + 5 }), item("a", 1)], next: null }, true);
  expect([shown(model), shown(model, "all", NOW + 5)]).toEqual([["b", "a"], ["a"]]);
  expect([model.next(NOW), model.next(NOW + 5)]).toEqual([NOW + 5, undefined]);
});

test("what is snoozed is in its own list alone, and back at its time", () => {
  const model = new InboxModel();
  model.put(item("a", 1, { read_at: 3, updated_at: 3 }));
  model.apply([{ id: "a", updated_at: 4, snoozed_until: NOW + 5 }]);
  expect([shown(model), shown(model, "unread"), shown(model, "archived"), shown(model, "snoozed")]).toEqual([[], [], [], ["a"]]);
  expect(model.next(NOW)).toBe(NOW + 5);
  expect([shown(model, "unread", NOW + 5), shown(model, "snoozed", NOW + 5)]).toEqual([["a"], []]);
  model.apply([{ id: "a", updated_at: 6 }]);
  expect(shown(model, "unread")).toEqual(["a"]);
});
