// Sends events with the released clients of Segment and RudderStack. JSON in, JSON out.
"use strict";

require("./clock.js");

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

// Shows each customer a variant; GrowthBook's plugin tells of it, and retries nothing.
const growthbook = async ({ host, key, count, name }) => {
  const { GrowthBook } = require("@growthbook/growthbook");
  const { growthbookTrackingPlugin } = require("@growthbook/growthbook/plugins");
  const failures = [];
  const asked = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (...given) => {
    const answer = real(...given);
    asked.push(answer);
    if ((await answer).status !== 200) failures.push(String((await answer).status));
    return answer;
  };
  const plugin = growthbookTrackingPlugin({ ingestorHost: host, queueFlushInterval: 1 });
  const gb = new GrowthBook({ apiHost: host, clientKey: key, plugins: [plugin] });
  await gb.init({ timeout: 10000, skipCache: true });
  for (let i = 0; i < count; i += 1) {
    await gb.setAttributes({ id: `${name}-${i}` });
    gb.evalFeature("everybody");
    if (i % 100 === 99 || i === count - 1) {
      await new Promise((flushed) => setTimeout(flushed, 5));
      await Promise.all(asked.splice(0));
    }
  }
  gb.destroy();
  return failures;
};

let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", async () => {
  const question = JSON.parse(text);
  shiftClock(question.clock_error_ms);
  const failures = await { segment, rudder, growthbook }[question.client](question);
  process.stdout.write(JSON.stringify({ failures }), () => process.exit(0));
});
