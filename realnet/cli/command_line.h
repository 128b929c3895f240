// What the user typed, as data. Flags go before the config file, the file before the defaults. A mistake is one
// sentence (exit status 2); nothing here touches the network or the disk but the config file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
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
  std::optional<std::string> log_format;
  std::optional<std::vector<std::string>> trusted_proxies;
  std::string config;  // the file, if there is one
  // [retention] of the config file; no flags
  std::optional<std::int64_t> keep_events;
  std::optional<std::int64_t> keep_mib;
  std::optional<std::int64_t> strangers_percent;
  std::optional<std::int64_t> trusted_percent;
  std::optional<std::int64_t> mentions_percent;
  std::optional<std::int64_t> sealed_percent;
  std::optional<std::int64_t> followers_percent;
  std::optional<std::int64_t> strangers_days;
  std::optional<std::int64_t> known_days;
  std::map<std::uint16_t, std::int64_t> kind_days;
  // [inbox], likewise
  std::optional<bool> take_followers;
  std::optional<bool> take_mentions;
  std::optional<bool> take_trusted;
  std::optional<bool> take_strangers;
  std::map<std::string, std::int64_t> limits;  // [limits], likewise; by the name of the key (limit_keys.h)
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

// Which data directory: named itself, or as the server of that user or that config file has it.
struct DataFlags {
  std::optional<std::string> data_dir;
  std::optional<std::string> public_key;
  std::optional<std::string> config;
};

struct ImportFlags {
  DataFlags data;
  std::string file;  // "-": standard input
  std::int64_t threads = 0;
};

struct ExportFlags {
  DataFlags data;
  std::optional<std::string> file;    // absent or "-": standard output
  std::optional<std::string> filter;  // JSON
};

struct BackupFlags {
  DataFlags data;
  std::string file;
  bool node_key = false;
  bool force = false;
};

struct RestoreFlags {
  DataFlags data;
  std::string file;
  std::optional<std::string> node_key;
  bool force = false;
};

struct DeleteFlags {
  DataFlags data;
  std::vector<std::string> ids;
  std::optional<std::string> author;
  std::optional<std::int64_t> kind;
};

struct BanFlags {
  DataFlags data;
  std::vector<std::string> keys;
  bool undo = false;
};

// Of a running server's client.
struct ClientFlags {
  std::string server = "http://127.0.0.1:20001";
  bool insecure = false;
};

struct PostFlags {
  ClientFlags client;
  std::string key_file;
  std::string text;  // "-": standard input
};

struct TimelineFlags {
  ClientFlags client;
  std::vector<std::string> authors;
  std::int64_t limit = 20;
  bool json = false;
};

struct FollowFlags {
  ClientFlags client;
  std::string key_file;
  std::vector<std::string> keys;
  bool undo = false;
  bool is_new = false;
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
using Command =
    std::variant<ServerCommand, StatusCommand, BindCommand, GenkeyCommand, PrintCommand, ImportFlags, ExportFlags,
                 BackupFlags, RestoreFlags, DeleteFlags, BanFlags, PostFlags, TimelineFlags, FollowFlags>;

// Without the program's name. Error bad_field: one sentence.
Result<Command> parse_command_line(const std::vector<std::string>& arguments);

// Fills in what `flags` leaves open. Keys are the long names of the flags.
Status read_config_file(const std::string& path, ServerFlags& flags);

// What the commands say of themselves.
struct OptionText {
  std::string names;  // "-l,--listen-addr-port"; of a positional its name
  std::string name;   // the long one
  std::string about;
  bool takes_value = false;
  bool positional = false;
};
std::vector<OptionText> option_texts(const std::string& command);  // of the program itself, if that is empty
std::vector<std::pair<std::string, std::string>> command_texts();  // name, and what it is for

// A config file with every key, what it means and what it is if it is not given, all of it commented out.
std::string config_text();

// The manual page, made of what the commands say of themselves.
std::string manual_page();

}  // namespace np2p::real
