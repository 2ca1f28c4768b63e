// Task 3: adds a field to each message.

exports.hook_data_post = function (next, connection) {
  connection.transaction.add_header('X-Seen-By', 'an example')
  next()
}
