#include "realnet/cli/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "realnet/cli/argv.h"
#include "realnet/version.h"

namespace np2p::real {

namespace {

const std::vector<ShortFlag> kShortFlags = {{'l', "listen-addr-port"},
                                            {'b', "boot-peer-addr-port"},
                                            {'p', "public-key"},
                                            {'w', "writable"},
                                            {'d', "debug"},
                                            {'s', "ssl"},
                                            {'h', "help"}};

// Given alone it means true; not given leaves the target empty (CLI11 would take an optional<bool> for a counter).
void add_switch(CLI::App& app, const std::string& names, std::optional<bool>& target, const std::string& help) {
  app.add_flag_function(
      names, [&target](std::int64_t times) { target = times > 0; }, help);
}

void add_server_options(CLI::App& app, ServerFlags& flags) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // as the original
  app.add_option("-l,--listen-addr-port", flags.listen,
                 "Address and port for other servers (127.0.0.1:20000); port 0: any free one");
  app.add_option("-b,--boot-peer-addr-port", flags.bootstrap,
                 "Address and port of a server which already joined the network; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("-p,--public-key", flags.public_key, "Your public key, npub1... or hex (required)");
  add_switch(app, "-w,--writable", flags.writable, "Whether clients may publish (true)");
  add_switch(app, "-d,--debug", flags.debug, "Log debug output to stderr (false)");
  add_switch(app, "-s,--ssl", flags.ssl, "Offer the REST API over TLS (false)");
  app.add_option("--tls-cert", flags.tls_cert,
                 "Certificate chain for -s (fullchain.pem); what does not begin with / lies beside the config file, "
                 "without one in "
                 "the data directory");
  app.add_option("--tls-key", flags.tls_key, "Private key for -s (privkey.pem); likewise");
  app.add_option("--data-dir", flags.data_dir,
                 "Where database and node key live (~/.local/share/nostrp2p/<16 hex digits of the public key>)");
  app.add_option("--api-listen", flags.api_listen, "Address and port of the REST API (listen port + 1, on loopback)");
  app.add_option("--mode", flags.mode,
                 "How posts travel: broadcast (default), to everybody; multicast, to followers; or auto, as suits the "
                 "size of the network");
  app.add_option("--broadcast-budget", flags.broadcast_budget,
                 "With --mode auto: bytes per second that posts to everybody may cost each server (2048)");
  app.add_option("--overlay", flags.overlay,
                 "How servers are linked: hyparview (default), or mesh, as the original, up to 65 servers");
  app.add_option("--external", flags.external,
                 "Address and port where others reach you, if a router passes it on (found out)");
  app.add_option("--replies", flags.replies,
                 "Who gets your replies: everybody (default), or tagged: only those they name");
  add_switch(app, "--lan", flags.lan, "Private addresses heard of may be dialled (false)");
  add_switch(app, "--require-bind", flags.require_bind,
             "Send nothing to servers that merely claim to be a user's; the user must have bound them (false)");
  add_switch(app, "--no-port-mapping", flags.no_port_mapping,
             "Do not ask the router (UPnP, NAT-PMP) to open the listen port (false; it is never asked on loopback)");
  add_switch(app, "--no-relay", flags.no_relay, "Carry no tunnels for servers behind NAT (false)");
  app.add_option("--relay-rate", flags.relay_rate, "KiB per second of all tunnels carried for others (256)");
  app.add_option("--network-id", flags.network_id, "Servers of another network are refused (nostrp2p)");
  app.add_option("--allow-origin", flags.allow_origins, "Web origin that may use the API; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--host-name", flags.host_names, "A name clients may call the API by; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--trust", flags.trust,
                 "Network that reads over --api-listen without proving anything, like 10.8.0.0/24, or private; "
                 "repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option(
         "--trusted-proxies", flags.trusted_proxies,
         "Network of a reverse proxy, like 127.0.0.1: its X-Forwarded-For or Forwarded says who asks; repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--writers", flags.writers,
                 "Further keys that may publish here, or * for everybody, who may then also read once they have proven "
                 "a key; repeatable")
      ->take_all()
      ->allow_extra_args(true);
  app.add_option("--min-pow", flags.min_pow, "Bits of proof of work (NIP-13) of what others deliver (0)");
  add_switch(app, "--api-insecure", flags.api_insecure, "Let --api-listen be a public address without -s (false)");
  app.add_option("--log-file", flags.log_file, "Log there instead of stderr; two files of 5 MiB at most");
  app.add_option("--log-format", flags.log_format, "Lines of the log: text (default), or json");
  app.add_option("--config", flags.config,
                 "TOML file with these options by their long names, and [retention]; flags win");
}

// Of the commands that ask a server.
void add_whom_to_ask(CLI::App& app, std::string& server, bool& insecure) {
  app.add_option("--server", server,
                 "Your own server's REST interface (http://127.0.0.1:20001); https:// if it has -s");
  app.add_flag("--insecure", insecure,
               "With https://, take any certificate (on loopback any will do; elsewhere this machine must trust it)");
}

// Of the commands that work on the data directory.
void add_data_options(CLI::App& app, DataFlags& flags) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--data-dir", flags.data_dir, "The data directory (that of the server of -p, or of --config)");
  app.add_option("-p,--public-key", flags.public_key, "Whose server it is, npub1... or hex");
  app.add_option("--config", flags.config, "The server's config file; its [retention] counts");
}

void add_import_options(CLI::App& app, ImportFlags& flags) {
  app.add_option("file", flags.file, "JSON, one event per line, as export and strfry write it; - for standard input")
      ->required();
  add_data_options(app, flags.data);
  app.add_option("--threads", flags.threads, "So many verify signatures (one for each core)");
}

void add_export_options(CLI::App& app, ExportFlags& flags) {
  app.add_option("file", flags.file, "A new file (standard output)");
  add_data_options(app, flags.data);
  app.add_option("--filter", flags.filter, "Only what this NIP-01 filter matches, as JSON");
}

void add_backup_options(CLI::App& app, BackupFlags& flags) {
  app.add_option("file", flags.file, "The new file")->required();
  add_data_options(app, flags.data);
  app.add_flag("--node-key", flags.node_key, "Also write the key of the node, to FILE.node.key: keep that one secret");
  app.add_flag("--force", flags.force, "Replace files that are there");
}

void add_restore_options(CLI::App& app, RestoreFlags& flags) {
  app.add_option("file", flags.file, "What backup wrote")->required();
  add_data_options(app, flags.data);
  app.add_option("--node-key", flags.node_key, "Also take the node's key from this file");
  app.add_flag("--force", flags.force, "Replace the database that is there; it is kept as nostrp2p.db.before-restore");
}

void add_delete_options(CLI::App& app, DeleteFlags& flags) {
  app.add_option("ids", flags.ids, "Events, by hex or note1...; they do not come in again");
  add_data_options(app, flags.data);
  app.add_option("--author", flags.author, "All events of this key (with --kind: of this kind)");
  app.add_option("--kind", flags.kind, "All events of this kind");
}

void add_ban_options(CLI::App& app, BanFlags& flags) {
  app.add_option("keys", flags.keys, "Public keys, npub1... or hex")->required();
  add_data_options(app, flags.data);
  app.add_flag("--undo", flags.undo, "Take events of these keys again");
}

void add_post_options(CLI::App& app, PostFlags& flags) {
  app.add_option("text", flags.text, "What to say; - for standard input")->required();
  app.add_option("--key-file", flags.key_file, "File with your secret key, nsec1... or hex")->required();
  add_whom_to_ask(app, flags.client.server, flags.client.insecure);
}

void add_timeline_options(CLI::App& app, TimelineFlags& flags) {
  app.add_option("authors", flags.authors, "Only posts of these keys, npub1... or hex");
  add_whom_to_ask(app, flags.client.server, flags.client.insecure);
  app.add_option("--limit", flags.limit, "The newest so many, at most 500 (20)");
  app.add_flag("--json", flags.json, "Print events as JSON, one per line");
}

void add_follow_options(CLI::App& app, FollowFlags& flags) {
  app.add_option("keys", flags.keys, "Public keys, npub1... or hex")->required();
  app.add_option("--key-file", flags.key_file, "File with your secret key, nsec1... or hex")->required();
  add_whom_to_ask(app, flags.client.server, flags.client.insecure);
  app.add_flag("--undo", flags.undo, "Follow them no more");
  app.add_flag("--new", flags.is_new, "Begin your first follow list: without this a list that is there is changed");
}

void add_bind_options(CLI::App& app, BindFlags& flags) {
  app.add_option("--key-file", flags.key_file,
                 "File with your secret key, nsec1... or hex, as genkey --key-file makes it")
      ->required();
  add_whom_to_ask(app, flags.server, flags.insecure);
  app.add_option("--node", flags.node, "The node to bind, 64 hex digits (that of the server)");
  app.add_option("--epoch", flags.epoch, "Number of this BIND; the highest counts (one more than the server knows of)");
  app.add_option("--days", flags.days, "For how long, at most 366 (90)");
  app.add_flag("--revoke", flags.revoke, "Bind no node any more: nobody serves you until the next BIND");
  app.add_flag("--print", flags.print, "Print the signed event instead of publishing it");
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// The long names of all commands' options.
std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::vector<std::string> more = names_of(*command);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

// Those that begin with that word, "--this or --that"; empty if there are none, or many.
std::string meant_by(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 3;
  if (word.size() < 4) return {};
  std::set<std::string> meant;
  for (const std::string& name : names) {
    if (name.starts_with(word)) meant.insert(name);
  }
  if (meant.size() > kMost) return {};
  std::string words;
  for (const std::string& name : meant) words += (words.empty() ? "" : " or ") + name;
  return words;
}

// What the parser complains of, in our words.
std::string sentence(const CLI::ParseError& problem, const std::vector<std::string>& names) {
  const std::string text = first_line(problem.what());
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr) {
    const auto colon = text.rfind(": ");
    // An option that does not exist leaves its value behind, and either may stand first.
    std::istringstream words(text.substr(colon == std::string::npos ? 0 : colon + 2));
    std::string first;
    for (std::string word; words >> word;) {
      if (first.empty() || (first[0] != '-' && word[0] == '-')) first = word;
    }
    if (first == "true" || first == "false") {
      return "\"" + first + "\" stands alone: a switch takes its value behind =, as in -w=false";
    }
    const bool option = first.rfind('-', 0) == 0;
    const std::string meant = option ? meant_by(first.substr(0, first.find('=')), names) : std::string();
    if (!meant.empty()) return "There is no option \"" + first + "\"; is " + meant + " meant? Names are not shortened";
    return std::string(option ? "There is no option \"" : "Nothing is known of \"") + first +
           "\"; nostrp2p help and nostrp2p help server tell what there is";
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&problem) != nullptr) {
    return text.substr(0, text.find(':')) + " needs a value";
  }
  if (const std::string_view wrong = "Could not convert: "; text.starts_with(wrong)) {  // option = value
    const auto is = text.find(" = ");
    if (is != std::string::npos) {
      return text.substr(wrong.size(), is - wrong.size()) + " \"" + text.substr(is + 3) + "\": a number is needed";
    }
  }
  return text;
}

// The switch whose value is neither; `arguments` are normalised, so that it stands as --name=value.
std::string wrong_switch(const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments) {
    for (const char* name : {"--writable", "--debug", "--ssl", "--lan", "--require-bind", "--no-port-mapping",
                             "--no-relay", "--api-insecure"}) {
      if (argument.rfind(std::string(name) + "=", 0) == 0 && argument.find("=true") == std::string::npos &&
          argument.find("=false") == std::string::npos) {
        return argument + ": " + name;
      }
    }
  }
  return "A switch";
}

Result<Command> parse(CLI::App& app, std::vector<std::string> arguments) {
  const std::vector<std::string> given = arguments;
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it, who eats them
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return Command{PrintCommand{app.help()}};
  } catch (const CLI::CallForAllHelp&) {
    return Command{PrintCommand{app.help("", CLI::AppFormatMode::All)}};
  } catch (const CLI::CallForVersion&) {
    return Command{PrintCommand{std::string(kVersionLine) + "\n"}};
  } catch (const CLI::ParseError& problem) {
    return error(ErrorCode::bad_field, sentence(problem, names_of(app)));
  } catch (const std::invalid_argument&) {  // of a flag's value; CLI11 does not wrap it
    return error(ErrorCode::bad_field, wrong_switch(given) + " takes true or false, as in -w=false");
  }
  return Command{PrintCommand{app.help()}};
}

// All commands, and where what was typed goes.
struct Commands {
  CLI::App app{"nostrp2p: your own server of a peer-to-peer network of Nostr posts", "nostrp2p"};
  ServerFlags server;
  bool print_config = false;
  GenkeyFlags genkey;
  BindFlags bind;
  StatusFlags status;
  ImportFlags import;
  ExportFlags out;
  BackupFlags backup;
  RestoreFlags restore;
  DeleteFlags removal;
  BanFlags ban;
  PostFlags post;
  TimelineFlags timeline;
  FollowFlags follow;
  std::string topic;
  bool manual = false;
  // What each of them comes to.
  std::vector<std::pair<CLI::App*, std::function<Command()>>> plain;

  Commands() {
    app.set_version_flag("--version", std::string(kVersionLine));
    app.require_subcommand(0, 1);
    auto& server_app = *app.add_subcommand("server", "Start up the server.");
    add_server_options(server_app, server);
    server_app.add_flag("--print-config", print_config, "Print a config file with every key explained, and leave");
    auto& genkey_app = add("genkey", "Generate a new key pair.", [this] { return GenkeyCommand{genkey}; });
    genkey_app.add_flag("--json", genkey.json, "Print JSON");
    genkey_app.add_option("--key-file", genkey.key_file, "Write the secret key to this new file (mode 0600) instead");
    add_bind_options(add("bind", "Say with your key which server is yours.", [this] { return BindCommand{bind}; }),
                     bind);
    auto& status_app = add("status", "Tell how your running server is doing, and who can reach it.",
                           [this] { return StatusCommand{status}; });
    status_app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    add_whom_to_ask(status_app, status.server, status.insecure);
    status_app.add_flag("--json", status.json, "Print what the server says, as JSON");
    add_post_options(add("post", "Sign a post with your key and publish it on your server.", [this] { return post; }),
                     post);
    add_timeline_options(add("timeline", "Show the newest posts that your server has.", [this] { return timeline; }),
                         timeline);
    add_follow_options(add("follow", "Follow somebody, or no more.", [this] { return follow; }), follow);
    add_import_options(
        add("import", "Take events from a file into a stopped server's database.", [this] { return import; }), import);
    add_export_options(add("export", "Write a stopped server's events, one per line of JSON.", [this] { return out; }),
                       out);
    add_backup_options(add("backup", "Copy the database, also while the server runs.", [this] { return backup; }),
                       backup);
    add_restore_options(
        add("restore", "Put a backup in the place of a stopped server's database, once all of it is verified.",
            [this] { return restore; }),
        restore);
    add_delete_options(
        add("delete", "Delete events here, and only here; also while the server runs.", [this] { return removal; }),
        removal);
    add_ban_options(add("ban", "Refuse everything of a key, and delete what is here; also while the server runs.",
                        [this] { return ban; }),
                    ban);
    auto& help_app = *app.add_subcommand("help", "Help about any command.");
    help_app.add_option("command", topic, "The command");
    help_app.add_flag("--man", manual, "Print the manual page, for man and groff");
  }
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

 private:
  CLI::App& add(const std::string& name, const std::string& about, std::function<Command()> make) {
    auto* sub = app.add_subcommand(name, about);
    plain.emplace_back(sub, std::move(make));
    return *sub;
  }
};

}  // namespace

Result<Command> parse_command_line(const std::vector<std::string>& arguments) {
  Commands all;
  const std::string overview = all.app.help();  // once parsed, help() speaks of the subcommand
  auto parsed = parse(all.app, normalise_argv(arguments, kShortFlags));
  if (!parsed.ok()) return parsed;
  if (all.app.got_subcommand("help")) {
    if (all.manual) return Command{PrintCommand{manual_page()}};
    if (all.topic.empty()) return Command{PrintCommand{overview}};
    for (auto* command : all.app.get_subcommands({})) {
      if (command->get_name() == all.topic) return Command{PrintCommand{command->help("nostrp2p")}};
    }
    return error(ErrorCode::bad_field, "There is no command \"" + all.topic + "\"");
  }
  for (const auto& [command, make] : all.plain) {
    if (command->parsed() && command->count("--help") == 0) return make();
  }
  const CLI::App* server_app = all.app.get_subcommand("server");
  if (!server_app->parsed() || server_app->count("--help") != 0) return parsed;
  if (all.print_config) return Command{PrintCommand{config_text()}};
  if (!all.server.config.empty()) {
    if (Status status = read_config_file(all.server.config, all.server); !status.ok()) return status.error();
  }
  if (!all.server.public_key)
    return error(ErrorCode::bad_field, "A public key is required: -p npub1... or -p <64 hex digits>");
  return Command{ServerCommand{all.server}};
}

// --- what the commands say of themselves, for readers elsewhere

std::vector<OptionText> option_texts(const std::string& command) {
  Commands all;
  std::vector<OptionText> texts;
  const CLI::App* app = command.empty() ? &all.app : all.app.get_subcommand(command);
  for (const CLI::Option* option : app->get_options()) {
    texts.push_back({option->get_name(false, true), option->get_single_name(), option->get_description(),
                     option->get_items_expected_max() > 0, option->get_positional()});
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> command_texts() {
  Commands all;
  std::vector<std::pair<std::string, std::string>> texts;
  for (const CLI::App* command : all.app.get_subcommands({})) {
    texts.emplace_back(command->get_name(), command->get_description());
  }
  return texts;
}

}  // namespace np2p::real
