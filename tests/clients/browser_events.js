// In a page: sends events with the browser clients of Segment and RudderStack.
"use strict";

// What the clients tell on the console: an event that was not delivered is named there.
const watch = () => {
  const told = [];
  for (const level of ["error", "warn"]) {
    const real = console[level];
    console[level] = (...words) => {
      told.push(words.map(String).join(" "));
      real.apply(console, words);
    };
  }
  return told;
};

const segment = async ({ host, key, count, name, batching }) => {
  const failures = [];
  const deliveryStrategy = batching
    ? { strategy: "batching", config: { size: 100, timeout: 200 } }
    : { strategy: "standard", config: { keepalive: false } };
  const there = { apiKey: key, apiHost: `${host.split("//")[1]}/v1`, protocol: "http" };
  const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({
    writeKey: key,
    cdnSettings: {
      integrations: { "Segment.io": { ...there, deliveryStrategy } },
      metrics: { sampleRate: 0 }, // which it sends to its maker
    },
  });
  analytics.on("error", (error) => failures.push(String(error.reason || error.code)));
  for (let i = 0; i < count; ) {
    const sent = [];
    for (; sent.length < 100 && i < count; i += 1) {
      sent.push(analytics.track(name, {}, { anonymousId: `${name}-${i}` }));
    }
    await Promise.all(sent);
  }
  return failures;
};

// Its queue keeps the newest hundred: who is quicker than the network loses events, so
// we wait until the queue in the page's storage is empty.
const rudder = async ({ host, key, count, name, batching }) => {
  const told = watch();
  const source = { id: "source", config: {}, enabled: true, destinations: [] };
  const client = new rudderanalytics.RudderAnalytics();
  client.load(key, host, {
    getSourceConfig: () => ({ source: { ...source, connections: [] } }),
    queueOptions: batching
      ? { batch: { enabled: true, maxItems: 50, flushInterval: 200 } }
      : {},
    plugins: ["XhrQueue"],
  });
  await new Promise((ready) => client.ready(ready));
  for (let i = 0; i < count; ) {
    for (let n = 0; n < 50 && i < count; n += 1, i += 1) {
      client.track(name, {}, { anonymousId: `${name}-${i}` });
    }
    while (waiting()) await new Promise((later) => setTimeout(later, 5));
  }
  return told;
};

// Storage holds "[]" or "{}" where nothing waits.
const waiting = () =>
  Object.keys(localStorage)
    .filter((one) => /\.(queue|batchQueue|inProgress)$/.test(one))
    .some((one) => /[a-z]/.test(localStorage.getItem(one)));

window.sendEvents = (question) => ({ segment, rudder })[question.client](question);
