// A server that is told of events by webhooks, and takes those that are signed.
//
//     node receiver.mjs 127.0.0.1:8003 SECRET_FILE

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

// How far the clocks may be apart, in seconds: what is older may be somebody's repetition.
const TOLERANCE = 300;
// Octets of a request, at most.
const CONTENT_MAX = 32 << 20;

const [address, secretFile] = process.argv.slice(2);
// A line for each secret: while one is replaced there are two.
const secrets = readFileSync(secretFile, "utf8")
  .split(/\s+/)
  .filter((line) => line !== "")
  .map((line) => Buffer.from(line.replace(/^whsec_/, ""), "base64"));
// The last event that was taken: what comes again is known by its number.
let last = 0n;

// Whether somebody who knows a secret has sent this, and not long ago.
function isOurs(headers, content) {
  const name = headers["webhook-id"] ?? "";
  const sent = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]{1,15}$/.test(sent)) return false;
  if (Math.abs(Date.now() / 1000 - Number(sent)) > TOLERANCE) return false;
  const expected = secrets.map((secret) =>
    createHmac("sha256", secret).update(`${name}.${sent}.`).update(content).digest(),
  );
  const given = (headers["webhook-signature"] ?? "")
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"))
    .map((signature) => Buffer.from(signature.slice("v1,".length), "base64"));
  return given.some((one) =>
    expected.some((other) => one.length === other.length && timingSafeEqual(one, other)),
  );
}

function take(content) {
  for (const event of JSON.parse(content).data.events) {
    if (BigInt(event.id) > last) {
      console.log(JSON.stringify(event));
      last = BigInt(event.id);
    }
  }
}

const server = createServer(async (request, response) => {
  const chunks = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      length += chunk.length;
      if (length > CONTENT_MAX) return response.writeHead(413, { Connection: "close" }).end();
      chunks.push(chunk);
    }
  } catch {
    return; // The client is gone.
  }
  const content = Buffer.concat(chunks);
  if (request.method !== "POST" || !isOurs(request.headers, content)) {
    return response.writeHead(401).end();
  }
  try {
    take(content);
  } catch {
    // It is signed, and tells of no events: perhaps it was meant for another server.
    return response.writeHead(400).end();
  }
  // Said when all is done with them: what is not taken comes again.
  response.writeHead(204).end();
});

const [host, port] = address.split(/:(?=[0-9]+$)/);
server.listen(Number(port), host, () => {
  console.log(`listening on ${host}:${server.address().port}`);
});
