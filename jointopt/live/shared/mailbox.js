// The browser's side of the one protocol between a view and the kernel; `View` in view.py is the other.

const BEAT = 1000; // ms

// Messages to the kernel, each of which is answered: obeyed, refused, or lost. A connection may swallow them without a
// word, so a beat asks what became of those without an answer. One that had not come by then is never obeyed.
//   settled(news, lost)     called with the words for what was lost or refused, and with whether something was lost
//   beat(waiting, silence)  called before each beat, with [control, words] of each control that waits, and the
//                           milliseconds for which the kernel has owed an answer; it answers what goes along with the
//                           beat, or null: none is sent
// Messages rather than trait sync: ipywidgets holds further state back until the kernel calls the last one done, which
// it may never do.
export function mailbox(model, settled, beat) {
  const me = Math.random().toString(36).slice(2);
  const sent = new Map(); // id -> [control, words], while there is no answer
  const newest = new Map(); // control -> the id of what was asked of it last
  let [count, silentSince] = [0, null];
  // [control, words] of each control that waits, once.
  const waiting = () => [...new Map(sent.values())];
  const post = (message) => {
    silentSince ??= Date.now();
    try {
      model.send(message);
    } catch { /* there is no kernel any more */ }
  };
  // Ask something of the kernel by means of a control; the words say what, should it be lost.
  const send = (control, words, message) => {
    const id = `${me}.${++count}`;
    sent.set(id, [control, words]);
    newest.set(control, id);
    post({ id, ...message });
  };
  const ask = () => {
    const more = beat(waiting(), silentSince === null ? 0 : Date.now() - silentSince);
    if (more) post({ kind: "beat", waiting: [...sent.keys()], ...more });
  };
  const onMessage = ({ outcomes = {} }) => {
    silentSince = null;
    const ids = Object.keys(outcomes).filter((id) => sent.has(id));
    // What was asked of a control before it was moved again is of no interest any more.
    const isLost = (id) => outcomes[id] === null && newest.get(sent.get(id)[0]) === id;
    const lost = ids.filter(isLost).map((id) => sent.get(id)[1]);
    const news = ids.map((id) => outcomes[id]).filter(Boolean);
    if (lost.length) news.unshift(`Not received: ${lost.join(", ")}. Shown is what is in force.`);
    for (const id of ids) sent.delete(id);
    if (ids.length) settled(news.join(" "), lost.length > 0);
  };
  model.on("msg:custom", onMessage);
  ask();
  const pulse = setInterval(ask, BEAT);
  const close = () => {
    clearInterval(pulse);
    model.off("msg:custom", onMessage);
  };
  return { send, waiting, close };
}
