// Task 2: refuses messages by what is in them.

exports.hook_data_post = function (next, connection) {
  connection.transaction.message_stream.get_data((data) => {
    if (data.toString('latin1').toLowerCase().includes('lottery')) {
      return next(DENY, 'no lotteries here')
    }
    next()
  })
}
