// Evaluates customers with OpenFeature's released JavaScript clients. JSON in, JSON out.
"use strict";

const told = (details) => [
  details.value,
  details.variant === undefined ? null : details.variant,
  details.reason,
  details.errorCode === undefined ? null : details.errorCode,
  details.flagMetadata.inExperiment === true,
];

const ask = (client, name, value, context) => {
  const kind = typeof value;
  if (kind === "boolean") return client.getBooleanDetails(name, false, context);
  if (kind === "number") return client.getNumberDetails(name, -1, context);
  if (kind === "string") return client.getStringDetails(name, "?", context);
  return client.getObjectDetails(name, {}, context);
};

// One request an evaluation, as a server does.
async function server({ host, key, kinds, customers }) {
  const { OpenFeature } = require("@openfeature/server-sdk");
  const { OFREPProvider } = require("@openfeature/ofrep-provider");
  const provider = new OFREPProvider({
    baseUrl: host,
    headers: [["Authorization", `Bearer ${key}`]],
  });
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  const answers = [];
  for (const context of customers) {
    const row = [];
    for (const [name, value] of kinds) {
      row.push(told(await ask(client, name, value, context)));
    }
    answers.push(row);
  }
  return answers;
}

// All flags at once, held and revalidated by ETag, as a browser does.
async function web({ host, key, kinds, customers }) {
  const { OpenFeature } = require("@openfeature/web-sdk");
  const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
  const provider = new OFREPWebProvider({
    baseUrl: host,
    headers: [["X-API-Key", key]],
    pollInterval: 0,
  });
  await OpenFeature.setContext(customers[0]);
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  const answers = [];
  for (const context of customers) {
    await OpenFeature.setContext(context);
    answers.push(kinds.map(([name, value]) => told(ask(client, name, value))));
  }
  return answers;
}

const modes = { server, web };

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
