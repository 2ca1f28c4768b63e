// A mail with an attachment, through openapi-fetch and the types that openapi-typescript generated.
// Arguments: the agent's URL.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });

function check(holds: boolean, what: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(what));
}

const message: components["schemas"]["MessageSpec"] = {
  headers: [
    ["from", [{ address: "alice@example.com" }]],
    ["subject", "hello"],
  ],
  text_body: [{ content_type: "text/plain", content: { inline: "the text" } }],
  file_attachments: [
    {
      content_type: "application/octet-stream",
      filename: "cat.bin",
      content: { create_id: "cat" },
    },
  ],
};
const created = await client.POST("/senders/{sender}/transactions", {
  params: { path: { sender: "submission" } },
  body: {
    mail_from: { m: "alice@example.com" },
    rcpt_to: [{ m: "bob@example.com" }],
    body: { message_builder: message },
  },
});
check(created.data !== undefined, created.error);
const blobs = created.data.body?.message_builder?.blob_status;
check(blobs?.["cat"] !== undefined, created.data);
const id = created.response.headers.get("Location")?.split("/").pop();
check(id !== undefined, created.response.status);

const octets = new Blob([Uint8Array.from({ length: 25_600 }, (_, at) => at % 256)]);
const uploaded = await client.PUT("/transactions/{id}/blob/{blob_id}", {
  params: { path: { id, blob_id: "cat" } },
  // The generator says string of what the document says is binary.
  body: octets as unknown as string,
  bodySerializer: (body) => body,
  headers: { "Content-Type": "application/octet-stream" },
});
check(uploaded.response.status === 200, uploaded.error);

// Without a version it is the end that is waited for.
const ended = await client.GET("/transactions/{id}", {
  params: { path: { id }, header: { "request-timeout": 30 } },
});
check(ended.data?.data_response?.code === 250, ended);

const sent = await client.POST("/senders/{sender}/messages", {
  params: { path: { sender: "submission" }, header: { "request-timeout": 30 } },
  body: {
    from: { address: "alice@example.com", display_name: "Alice" },
    to: ["dave@example.com"],
    subject: "hello",
    text: "the text",
  },
});
check(sent.data?.recipients[0]?.state === "delivered", sent);
