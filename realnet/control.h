// A running server's ear for the owner's own commands (backup, delete, ban): a Unix socket in the data directory, mode
// 0600, so that the rights of the directory say who may. Loopback would not do: every user of the machine reaches it.
//
//   request   one line: a verb and its words, separated by spaces
//   answer    "ok NUMBER\n" or "error SENTENCE\n"; a backup has any number of "progress DONE ALL\n" before, and behind
//             its "ok SIZE\n" so many bytes
#pragma once

#include "realnet/net/asio.h"

#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/store/sqlite_store.h"
#include "core/store/sqlite_upkeep.h"

namespace np2p::real {

class Control {
 public:
  // Does what a line of words says, between two inputs of the node; the number is for people.
  using Execute = std::function<Result<std::uint64_t>(const std::vector<std::string>& words)>;

  // Errors: one sentence. The socket file of a server that died is replaced.
  static Result<std::unique_ptr<Control>> open(asio::io_context& io, const std::string& data_dir, SqliteStore& store,
                                               Execute execute);
  ~Control();  // the socket file goes
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void stop();

 private:
  using Acceptor = asio::local::stream_protocol::acceptor;
  using Socket = asio::local::stream_protocol::socket;

  Control(asio::io_context& io, std::string data_dir, SqliteStore& store, Execute execute)
      : io_(io), data_dir_(std::move(data_dir)), store_(store), execute_(std::move(execute)), acceptor_(io) {}
  asio::awaitable<void> serve();
  asio::awaitable<void> answer(std::shared_ptr<Socket> socket);
  asio::awaitable<void> back_up(Socket& socket);

  asio::io_context& io_;
  std::string data_dir_;
  SqliteStore& store_;
  Execute execute_;
  Acceptor acceptor_;
  std::vector<std::weak_ptr<Socket>> open_;
  bool backing_up_ = false;
  std::unique_ptr<SqliteBackup> backup_;  // here, so that it goes before the store does
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The verbs that change the store, on one that is open here: by a running server, or by the command itself.
//   delete id HEX...  |  delete author HEX  |  delete kind N  |  delete author HEX kind N  |  ban HEX  |  unban HEX
// The owner's profile, follow list, relay list and BIND are left alone.
Result<std::uint64_t> execute_on(Store& store, const PubKey& owner, const std::vector<std::string>& words);

// The address of the socket in a data directory, whatever the length of its path (there are 107 bytes): held by way of
// an open directory, which must stay open.
std::string control_address(int open_directory);

}  // namespace np2p::real
