// What the user typed, as data. Flags go before the config file, the file before the defaults. A mistake is one
// sentence (exit status 2); nothing here touches the network or the disk but the config file.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace np2p::real {

// Absent: not given. Texts are checked where they are used (server_options.h).
struct ServerFlags {
  std::optional<std::string> listen;
  std::optional<std::vector<std::string>> bootstrap;
  std::optional<std::string> external;
  std::optional<std::string> public_key;
  std::optional<bool> writable;
  std::optional<bool> debug;
  std::optional<bool> ssl;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> data_dir;
  std::optional<std::string> api_listen;
  std::optional<std::string> mode;
  std::optional<std::int64_t> broadcast_budget;
  std::optional<std::string> overlay;
  std::optional<std::string> replies;
  std::optional<bool> lan;
  std::optional<bool> require_bind;
  std::optional<bool> no_port_mapping;
  std::optional<bool> no_relay;
  std::optional<std::int64_t> relay_rate;
  std::optional<std::string> network_id;
  std::optional<std::vector<std::string>> allow_origins;
  std::optional<std::vector<std::string>> host_names;
  std::optional<std::vector<std::string>> trust;
  std::optional<std::vector<std::string>> writers;
  std::optional<std::int64_t> min_pow;
  std::optional<bool> api_insecure;
  std::optional<std::string> log_file;
};

struct GenkeyFlags {
  bool json = false;
  std::optional<std::string> key_file;
};

struct BindFlags {
  std::string key_file;
  std::string server = "http://127.0.0.1:20001";  // the REST interface
  std::optional<std::string> node;                // absent: the server's
  std::optional<std::uint64_t> epoch;             // absent: one more than the server knows of
  std::int64_t days = 90;
  bool revoke = false;
  bool print = false;
  bool insecure = false;
};

struct StatusFlags {
  std::string server = "http://127.0.0.1:20001";
  bool json = false;
  bool insecure = false;
};

struct ServerCommand {
  ServerFlags flags;
};
struct BindCommand {
  BindFlags flags;
};
struct StatusCommand {
  StatusFlags flags;
};
struct GenkeyCommand {
  GenkeyFlags flags;
};
struct PrintCommand {  // help, version: print and leave
  std::string text;
};
using Command = std::variant<ServerCommand, StatusCommand, BindCommand, GenkeyCommand, PrintCommand>;

// Without the program's name. Error bad_field: one sentence.
Result<Command> parse_command_line(const std::vector<std::string>& arguments);

// Fills in what `flags` leaves open. Keys are the long names of the flags.
Status read_config_file(const std::string& path, ServerFlags& flags);

}  // namespace np2p::real
