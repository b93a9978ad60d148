// Evaluates customers with GrowthBook's released JavaScript client. JSON in, JSON out.
"use strict";
const { evalCondition, GrowthBook, GrowthBookClient } = require("@growthbook/growthbook");

const told = (result, tracked) => [
  result.value,
  tracked === undefined ? null : tracked,
];

// All rules in this process, as a server does.
async function local({ host, key, experiments, customers }) {
  let seen = {};
  const client = new GrowthBookClient({
    apiHost: host,
    clientKey: key,
    trackingCallback: (experiment, result) => {
      seen[experiment.key] = result.key;
    },
  });
  const { success, error } = await client.init({ timeout: 10000 });
  if (!success) throw error;
  const answers = customers.map((attributes) => {
    seen = {};
    return experiments.map((name) => {
      const result = client.evalFeature(name, { attributes });
      return told(result, seen[name]);
    });
  });
  client.destroy();
  return answers;
}

// Values from the server, as a browser does.
async function remote({ host, key, experiments, customers }) {
  const answers = [];
  for (const attributes of customers) {
    const seen = {};
    const gb = new GrowthBook({
      apiHost: host,
      clientKey: key,
      remoteEval: true,
      attributes,
      trackingCallback: (experiment, result) => {
        seen[experiment.key] = result.key;
      },
    });
    const { success, error } = await gb.init({ timeout: 10000, skipCache: true });
    if (!success) throw error;
    answers.push(
      experiments.map((name) => {
        const result = gb.evalFeature(name);
        return told(result, seen[name]);
      }),
    );
    gb.destroy();
  }
  return answers;
}

// What the tracking plugin reports.
async function plugin({ host, key, experiments, customers }) {
  const { growthbookTrackingPlugin } = require("@growthbook/growthbook/plugins");
  const answers = [];
  for (const attributes of customers) {
    const gb = new GrowthBook({
      apiHost: host,
      clientKey: key,
      remoteEval: true,
      attributes,
      plugins: [growthbookTrackingPlugin({ ingestorHost: host, queueFlushInterval: 10 })],
    });
    await gb.init({ timeout: 10000, skipCache: true });
    answers.push(experiments.map((name) => gb.evalFeature(name).value));
    await new Promise((resolve) => setTimeout(resolve, 100));
    gb.destroy();
  }
  return answers;
}

// Buckets of texts, for golden vectors.
function buckets({ salts, units }) {
  return units.map((id) =>
    salts.map((seed) => {
      const gb = new GrowthBook({ attributes: { id } });
      const result = gb.run({ key: "k", seed, hashVersion: 2, variations: [0, 1] });
      return result.bucket;
    }),
  );
}

// Before and after a customer changed, with what the app's sticky buckets remember.
async function sticky({ host, key, experiments, customers, changes }) {
  const { StickyBucketService } = require("@growthbook/growthbook");
  class Memory extends StickyBucketService {
    kept = {};
    async getAssignments(name, value) {
      return this.kept[`${name}||${value}`] || null;
    }
    async saveAssignments(doc) {
      this.kept[`${doc.attributeName}||${doc.attributeValue}`] = doc;
    }
  }
  const service = new Memory();
  const answers = [];
  for (const change of [{}, changes]) {
    const row = [];
    for (const attributes of customers) {
      const gb = new GrowthBook({
        apiHost: host,
        clientKey: key,
        stickyBucketService: service,
        attributes: { ...attributes, ...change },
        trackingCallback: () => {},
      });
      await gb.init({ timeout: 10000 });
      await gb.refreshStickyBuckets();
      row.push(experiments.map((name) => gb.evalFeature(name).value));
      gb.destroy();
    }
    answers.push(row);
  }
  return answers;
}

// Segment rules alone.
function conditions({ trees }) {
  return trees.map(([condition, attributes]) => evalCondition(attributes, condition));
}

// What objects and lists have here without being given it.
const names = () =>
  [Object.prototype, Array.prototype].flatMap((one) => Object.getOwnPropertyNames(one));

const modes = { conditions, names, local, remote, plugin, sticky, buckets };

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const question = JSON.parse(text);
  const answer = await modes[question.mode](question);
  process.stdout.write(JSON.stringify(answer), () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
