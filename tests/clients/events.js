// Sends events with the released clients of Segment and RudderStack. JSON in, JSON out.
"use strict";

// A clock that is wrong by so much, as those of customers' devices are.
const shift = (ms) => {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Real.now() + ms);
    }
    static now() {
      return Real.now() + ms;
    }
  };
};

const segment = async ({ host, key, count, name }) => {
  const { Analytics } = require("@segment/analytics-node");
  const client = new Analytics({ writeKey: key, host, maxRetries: 10 });
  const failures = [];
  client.on("error", (error) => failures.push(String(error.reason || error.code)));
  for (let i = 0; i < count; i += 1) {
    client.track({ userId: `${name}-${i}`, event: name, timestamp: new Date() });
    if (i % 1000 === 999) await client.flush();
  }
  await client.closeAndFlush();
  return failures;
};

const rudder = async ({ host, key, count, name }) => {
  const module = require("@rudderstack/rudder-sdk-node");
  const Client = module.default || module;
  const client = new Client(key, { dataPlaneUrl: host, flushAt: 100 });
  const failures = [];
  const sent = [];
  for (let i = 0; i < count; i += 1) {
    const told = new Promise((done) => {
      client.track({ userId: `${name}-${i}`, event: name }, (error) => {
        if (error) failures.push(String(error));
        done();
      });
    });
    sent.push(told);
    if (sent.length === 1000) {
      client.flush(); // resolves only after a long interval: the answers tell sooner
      await Promise.all(sent.splice(0));
    }
  }
  client.flush();
  await Promise.all(sent);
  return failures;
};

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", async () => {
  const question = JSON.parse(text);
  shift(question.clock_error_ms);
  const failures = await { segment, rudder }[question.client](question);
  process.stdout.write(JSON.stringify({ failures }), () => process.exit(0));
});
