// Sends by nodemailer in each way that it knows; the arguments: where its package is, two ports, and
// the file of an authority.
const [packages, offered, immediate, file, user, pass] = process.argv.slice(2);
const { createTransport } = require(`${packages}/nodemailer`);
const ca = require("fs").readFileSync(file);

const common = { host: "localhost", tls: { ca, servername: "localhost" } };
const offer = { ...common, port: Number(offered), requireTLS: true };
const at_once = { ...common, port: Number(immediate), secure: true };

async function send(transport, to, more) {
    const told = await transport.sendMail({
        from: '"Alice Grün" <alice@example.org>',
        to,
        subject: "Grüße",
        text: ".\n..\nhällo\n",
        attachments: [{ filename: "octets", content: Buffer.alloc(300000, 7) }],
        ...more,
    });
    if (told.accepted.length !== 1) throw new Error(JSON.stringify(told));
}

async function main() {
    for (const [name, options] of [["offered", offer], ["immediate", at_once]]) {
        for (const authMethod of ["PLAIN", "LOGIN"]) {
            const transport = createTransport({ ...options, auth: { user, pass }, authMethod });
            await send(transport, `${name}-${authMethod}@example.com`);
        }
    }
    const pool = createTransport({ ...offer, auth: { user, pass }, pool: true, maxConnections: 2 });
    const numbers = [...Array(20).keys()];
    await Promise.all(numbers.map((number) => send(pool, `pool${number}@example.com`)));
    pool.close();
    const utf8 = createTransport({ ...offer, auth: { user, pass } });
    await send(utf8, "bøb@example.com");
    const dsn = { id: "QQ314", return: "headers", notify: ["success"], recipient: "first@example.org" };
    await send(utf8, "dsn@example.com", { dsn });
    const wrong = createTransport({ ...offer, auth: { user, pass: "wrong" } });
    const error = await send(wrong, "wrong@example.com").then(() => "it was taken", (error) => error);
    if (error.responseCode !== 535) throw new Error(error);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
