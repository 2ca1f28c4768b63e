// Task 4: hands each message to an HTTP server. Haraka's own queue sends by SMTP alone, so what cannot be handed on
// now is kept by the client: there is no queue here.

const http = require('node:http')

exports.hook_rcpt = (next) => next(OK)

exports.hook_queue = function (next, connection) {
  connection.transaction.message_stream.get_data((data) => {
    const options = { method: 'POST', headers: { 'content-type': 'message/rfc822' }, timeout: 30_000 }
    const request = http.request(process.env.QUEUE_URL, options, (response) => {
      response.resume()
      next(response.statusCode < 300 ? OK : DENYSOFT)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => next(DENYSOFT, 'try again later'))
    request.end(data)
  })
}
