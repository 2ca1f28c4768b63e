// Task 5: tests the plugin of task 2, with node:test and haraka-test-fixtures.

const assert = require('node:assert')
const path = require('node:path')
const test = require('node:test')
const fixtures = require('haraka-test-fixtures')

function verdict(text) {
  const plugin = new fixtures.plugin(path.join(__dirname, 'plugins', 'refuse'))
  const connection = fixtures.connection.createConnection()
  connection.init_transaction()
  // A stream of one's own, since the fixture's has no message.
  connection.transaction.message_stream = { get_data: (done) => done(Buffer.from(text)) }
  return new Promise((resolve) => plugin.hook_data_post(resolve, connection))
}

test('lotteries are refused', async () => {
  assert.strictEqual(await verdict('\r\nwin the lottery\r\n'), fixtures.constants?.DENY ?? 902)
})

test('all else goes on', async () => {
  assert.strictEqual(await verdict('\r\nhello\r\n'), undefined)
})
