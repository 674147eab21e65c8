// A model in place of ipywidgets': it keeps what is set, records what is sent, and hands on what a kernel would say.

export class Model {
  listeners = {};
  sent = [];

  constructor(state = {}) {
    this.state = state;
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    this.state[name] = value;
    this.fire(`change:${name}`, value);
  }
  send(message) {
    this.sent.push(message);
  }
  on(name, listener) {
    this.listeners[name] = [...(this.listeners[name] || []), listener];
  }
  off(name, listener) {
    this.listeners[name] = this.listeners[name].filter((other) => other !== listener);
  }
  fire(name, value) {
    for (const listener of this.listeners[name] || []) listener(value);
  }
  answer(...outcomes) { // to the first messages, in their order
    const asked = this.sent.filter((message) => message.kind !== "beat");
    this.fire("msg:custom", { outcomes: Object.fromEntries(outcomes.map((outcome, i) => [asked[i].id, outcome])) });
  }
}
