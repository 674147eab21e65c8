// The browser's side of the messages: what became of each, and what the view says and shows meanwhile.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { mailbox } from "../../jointopt/live/shared/mailbox.js";
import { sharedSettings } from "../../jointopt/live/shared/settings.js";
import { Model } from "./model.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
});

function opened(beat = (waiting) => (waiting.length ? {} : null)) {
  const model = new Model(), settled = mock.fn();
  const settledWith = () => settled.mock.calls.map((call) => call.arguments);
  return { model, mail: mailbox(model, settled, beat), settledWith };
}

test("what was obeyed waits no longer, and says nothing", () => {
  const { model, mail, settledWith } = opened();
  mail.send("weight", "λ 0.5", { kind: "weight", value: 0.5 });
  assert.deepEqual(mail.waiting(), [["weight", "λ 0.5"]]);
  assert.partialDeepStrictEqual(model.sent, [{ kind: "weight", value: 0.5 }]);
  model.answer("");
  assert.deepEqual([mail.waiting(), settledWith()], [[], [["", false]]]);
});

test("a refusal is handed on in the kernel's words", () => {
  const { model, mail, settledWith } = opened();
  mail.send("weight", "λ -1", {});
  model.answer("expected ≥ 0");
  assert.deepEqual(settledWith(), [["expected ≥ 0", false]]);
});

test("what was lost is named, unless its control was moved again since", () => {
  const { model, mail, settledWith } = opened();
  mail.send("weight", "λ 0.5", {});
  mail.send("freeze", "freeze classifier", {});
  mail.send("weight", "λ 0.7", {});
  assert.deepEqual(mail.waiting(), [["weight", "λ 0.7"], ["freeze", "freeze classifier"]]);
  model.answer(null, null, "");
  assert.deepEqual(settledWith(), [["Not received: freeze classifier. Shown is what is in force.", true]]);
});

test("answers to others, and old ones, are of no interest", () => {
  const { model, mail, settledWith } = opened();
  mail.send("weight", "λ 0.5", {});
  model.fire("msg:custom", { outcomes: { "other.1": null } });
  model.fire("msg:custom", {});
  assert.deepEqual([mail.waiting().length, settledWith()], [1, []]);
  model.answer("");
  model.answer("");
  assert.equal(settledWith().length, 1);
});

test("each second a beat asks what became of what waits, with what the view adds", () => {
  const { model, mail } = opened((waiting) => ({ shown: 7, count: waiting.length }));
  assert.deepEqual(model.sent, [{ kind: "beat", waiting: [], shown: 7, count: 0 }]); // at once: somebody is there
  mail.send("weight", "λ 0.5", {});
  mock.timers.tick(1000);
  assert.deepEqual(model.sent.at(-1), { kind: "beat", waiting: [model.sent[1].id], shown: 7, count: 1 });
  mail.close();
  mock.timers.tick(5000);
  assert.equal(model.sent.length, 3);
  assert.deepEqual(model.listeners["msg:custom"], []);
});

test("a kernel that owes an answer is silent since then, until it says anything", () => {
  const silences = [];
  const { model, mail } = opened((_waiting, silence) => { silences.push(silence); return null; });
  mock.timers.tick(1000);
  mail.send("weight", "λ 0.5", {});
  mock.timers.tick(1000);
  mail.send("weight", "λ 0.7", {});
  mock.timers.tick(1000);
  model.fire("msg:custom", {});
  mock.timers.tick(1000);
  assert.deepEqual(silences, [0, 0, 1000, 2000, 0]);
});

test("two tabs do not answer for each other", () => {
  const model = new Model(), ids = [1, 2].map(() => {
    mailbox(model, () => {}, () => null).send("weight", "", {});
    return model.sent.at(-1).id;
  });
  assert.notEqual(...ids);
});

function settings() {
  const model = new Model({ lr: 0.1, steps: 60 }), changed = mock.fn();
  const shared = sharedSettings(model, ["lr", "steps"], changed);
  shared.pull();
  return { model, changed, shared };
}

test("settings: changes within a tenth of a second leave as one message", () => {
  const { model, shared } = settings();
  shared.change({ lr: 0.2 });
  shared.change({ lr: 0.3 });
  shared.change({ steps: 9 });
  assert.deepEqual([model.sent, shared.state, model.state], [[], { lr: 0.3, steps: 9 }, { lr: 0.3, steps: 9 }]);
  mock.timers.tick(100);
  assert.deepEqual(model.sent.map(({ kind, value }) => [kind, value]), [["set", { lr: 0.3, steps: 9 }]]);
});

test("settings: until the kernel has answered, what it says is old news", () => {
  const { model, shared } = settings();
  shared.change({ lr: 0.2 });
  mock.timers.tick(100);
  model.set("lr", 0.15);
  assert.equal(shared.state.lr, 0.2);
  model.answer("");
  assert.equal(shared.state.lr, 0.15);
  model.set("lr", 0.4);
  assert.equal(shared.state.lr, 0.4);
});

test("settings: the line says what was refused until the next change, and what waits once one was answered", () => {
  const { model, shared } = settings();
  shared.change({ lr: 0.2 });
  mock.timers.tick(100);
  assert.equal(shared.line("words"), "words"); // there may be no kernel
  model.answer("refused: why");
  assert.equal(shared.line("words"), "refused: why words");
  shared.change({ lr: 0.3 });
  mock.timers.tick(100);
  assert.equal(shared.line("words"), "words Waiting for the kernel: lr 0.3.");
});

test("settings: what was lost is shown as it is in force", () => {
  const { model, changed, shared } = settings();
  shared.change({ lr: 0.2 });
  mock.timers.tick(1100); // a beat asks
  model.state.lr = 0.1; // the kernel sends what holds, then the answer
  model.answer(null);
  assert.equal(shared.state.lr, 0.1);
  assert.deepEqual(changed.mock.calls.at(-1).arguments, [true]);
  assert.equal(shared.line("words"), "Not received: lr 0.2. Shown is what is in force. words");
});

test("settings: without a kernel all goes on, and nothing beats where nothing waits", () => {
  const { model, shared } = settings();
  mock.timers.tick(5000);
  assert.deepEqual(model.sent, []);
  model.send = () => { throw Error("the comm is closed"); };
  shared.change({ lr: 0.2 });
  mock.timers.tick(2000);
  assert.equal(shared.state.lr, 0.2);
});

test("settings: what is still to be sent when the view closes is sent", () => {
  const { model, shared } = settings();
  shared.change({ lr: 0.2 });
  shared.close();
  assert.deepEqual(model.sent.map(({ value }) => value), [{ lr: 0.2 }]);
  assert.equal(Object.values(model.listeners).flat().length, 0);
});
