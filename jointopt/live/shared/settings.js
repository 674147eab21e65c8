// Settings that a view shares with the kernel.

import { mailbox } from "./mailbox.js";

// The settings of these names; `changed` is called after each change, on whichever side, with whether one was lost on
// its way. Browser to kernel: at most ten messages a second; until the last is answered, the kernel's echo is old news.
export function sharedSettings(model, names, changed) {
  const state = {};
  let [pending, timer, news, answered] = [{}, 0, "", false];
  const settled = (words, lost) => {
    [news, answered] = [news || words, true];
    pull(lost);
  };
  const mail = mailbox(model, settled, (waiting) => {
    if (!waiting.length) return null; // without a kernel's part in it nothing beats
    changed(); // the line says that it waits
    return {};
  });
  function change(changes) {
    Object.assign(state, changes);
    Object.assign(pending, changes);
    news = "";
    timer ||= setTimeout(send, 100);
    for (const name in changes) model.set(name, changes[name]); // for other views of the same model
    changed();
  }
  function send() {
    if (!timer) return;
    const changes = pending;
    clearTimeout(timer);
    [timer, pending] = [0, {}];
    const words = Object.entries(changes).map(([name, value]) => `${name} ${value}`).join(", ");
    mail.send(Object.keys(changes).join(), words, { kind: "set", value: changes });
  }
  function pull(lost) {
    if (timer || mail.waiting().length) return;
    for (const name of names) state[name] = model.get(name);
    changed(lost === true); // as a listener it is called with something else
  }
  for (const name of names) model.on(`change:${name}`, pull);
  function close() {
    send();
    for (const name of names) model.off(`change:${name}`, pull);
    mail.close();
  }
  // The words for the view's line: what was refused or lost since the last change, its own, and what the kernel does
  // not have yet. A page without a kernel waits for nothing.
  function line(words) {
    const waiting = answered ? mail.waiting().map(([, each]) => each) : [];
    return [news, words, waiting.length && `Waiting for the kernel: ${waiting.join(", ")}.`].filter(Boolean).join(" ");
  }
  return { state, change, pull, line, close };
}
