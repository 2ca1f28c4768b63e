// Task 1: receives mail, and prints it.

exports.hook_rcpt = (next) => next(OK)

exports.hook_queue = function (next, connection) {
  const { mail_from, rcpt_to, message_stream } = connection.transaction
  message_stream.get_data((data) => {
    this.lognotice(`${mail_from} ${rcpt_to} ${data.length}`)
    next(OK)
  })
}
