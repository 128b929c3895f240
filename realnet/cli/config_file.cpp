#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>
#include <vector>

#include "realnet/cli/command_line.h"
#include "realnet/cli/limit_keys.h"

namespace np2p::real {

namespace {

using Setter = std::function<bool(const toml::node&)>;  // false: wrong type

struct Key {
  std::string name;
  std::string value;  // in the file that config_text() makes: what it is if it is not given, or an example
  Setter set;
  std::string about;  // empty: what the option of that name says of itself
};

template <class T>
Setter scalar(std::optional<T>& target) {
  return [&target](const toml::node& node) {
    const auto value = node.value_exact<T>();
    if (value && !target) target = *value;
    return value.has_value();
  };
}

// A list of strings; a single string counts as a list of one.
Setter list(std::optional<std::vector<std::string>>& target) {
  return [&target](const toml::node& node) {
    std::vector<std::string> values;
    if (const auto one = node.value_exact<std::string>()) {
      values.push_back(*one);
    } else if (const auto* many = node.as_array()) {
      for (const auto& item : *many) {
        const auto value = item.value_exact<std::string>();
        if (!value) return false;
        values.push_back(*value);
      }
    } else {
      return false;
    }
    if (!target) target = std::move(values);
    return true;
  };
}

std::vector<Key> keys_of(ServerFlags& flags) {
  return {{"listen-addr-port", R"("127.0.0.1:20000")", scalar(flags.listen), ""},
          {"boot-peer-addr-port", R"(["198.51.100.7:20000"])", list(flags.bootstrap), ""},
          {"external", R"("203.0.113.5:20000")", scalar(flags.external), ""},
          {"public-key", R"("npub1...")", scalar(flags.public_key), ""},
          {"writable", "true", scalar(flags.writable), ""},
          {"debug", "false", scalar(flags.debug), ""},
          {"ssl", "false", scalar(flags.ssl), ""},
          {"tls-cert", R"("fullchain.pem")", scalar(flags.tls_cert), ""},
          {"tls-key", R"("privkey.pem")", scalar(flags.tls_key), ""},
          {"data-dir", R"("/var/lib/nostrp2p")", scalar(flags.data_dir), ""},
          {"api-listen", R"("127.0.0.1:20001")", scalar(flags.api_listen), ""},
          {"mode", R"("broadcast")", scalar(flags.mode), ""},
          {"broadcast-budget", "2048", scalar(flags.broadcast_budget), ""},
          {"overlay", R"("hyparview")", scalar(flags.overlay), ""},
          {"replies", R"("everybody")", scalar(flags.replies), ""},
          {"lan", "false", scalar(flags.lan), ""},
          {"require-bind", "false", scalar(flags.require_bind), ""},
          {"no-port-mapping", "false", scalar(flags.no_port_mapping), ""},
          {"no-relay", "false", scalar(flags.no_relay), ""},
          {"relay-rate", "256", scalar(flags.relay_rate), ""},
          {"network-id", R"("nostrp2p")", scalar(flags.network_id), ""},
          {"allow-origin", R"(["https://app.example"])", list(flags.allow_origins), ""},
          {"host-name", R"(["my.server.example"])", list(flags.host_names), ""},
          {"trust", R"(["10.8.0.0/24"])", list(flags.trust), ""},
          {"trusted-proxies", R"(["127.0.0.1", "::1"])", list(flags.trusted_proxies), ""},
          {"writers", "[]", list(flags.writers), ""},
          {"min-pow", "0", scalar(flags.min_pow), ""},
          {"api-insecure", "false", scalar(flags.api_insecure), ""},
          {"log-file", R"("/var/log/nostrp2p.log")", scalar(flags.log_file), ""},
          {"log-format", R"("text")", scalar(flags.log_format), ""}};
}

std::vector<Key> retention_keys_of(ServerFlags& flags) {
  return {
      {"events", "102400", scalar(flags.keep_events),
       "So many events of others are kept at most. Your own, and those of further writers, are always kept and not "
       "counted here."},
      {"mib", "256", scalar(flags.keep_mib),
       "And so many MiB of them, with what finding them takes. Each share below is of both, and when one is full its "
       "oldest goes first; no share takes from another. What the shares leave is for those whom you follow, whose "
       "profiles and lists stay."},
      {"followers-percent", "15", scalar(flags.followers_percent),
       "The share of those who follow you and whom you do not follow; their profiles and lists go last."},
      {"mentions-percent", "5", scalar(flags.mentions_percent),
       "Of what is addressed to you by others than those whom you follow: it names you, or is about what you wrote. "
       "What came first goes first; one author has a tenth of it at most."},
      {"sealed-percent", "5", scalar(flags.sealed_percent),
       "Likewise of gift wraps (kind 1059), which do not tell their author."},
      {"trusted-percent", "5", scalar(flags.trusted_percent),
       "Of strangers whom somebody follows whom you follow, once there is no room among the strangers."},
      {"strangers-percent", "10", scalar(flags.strangers_percent), "Of all other strangers."},
      {"strangers-days", "0", scalar(flags.strangers_days),
       "Events of strangers are given up after so many days; 0: for no age. What is addressed to you never is."},
      {"known-days", "0", scalar(flags.known_days),
       "Likewise of those whom you follow, and of followers; never their profiles and lists. What you wrote yourself "
       "is never given up for its age."}};
}

std::vector<Key> inbox_keys_of(ServerFlags& flags) {
  return {{"followers", "true", scalar(flags.take_followers), "What those write who follow you."},
          {"mentions", "true", scalar(flags.take_mentions),
           "What is addressed to you, by whomever; also what other people's clients bring."},
          {"trusted", "true", scalar(flags.take_trusted),
           "What those write whom somebody follows whom you follow; it matters once strangers are not taken."},
          {"strangers", "true", scalar(flags.take_strangers), "What all others write."}};
}

Setter days_by_kind(ServerFlags& flags) {
  return [&flags](const toml::node& node) {
    const auto* table = node.as_table();
    if (table == nullptr) return false;
    for (const auto& [key, days] : *table) {
      unsigned kind = 0;
      const std::string_view name = key.str();
      const auto parsed = std::from_chars(name.data(), name.data() + name.size(), kind);
      const auto value = days.value_exact<std::int64_t>();
      if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size() || kind > 65535 || !value) return false;
      flags.kind_days[static_cast<std::uint16_t>(kind)] = *value;
    }
    return true;
  };
}

std::vector<Key> limit_keys_of(ServerFlags& flags) {
  std::vector<Key> keys;
  for (const LimitText& text : limit_texts()) {
    const auto set = [&flags, name = text.name](const toml::node& node) {
      const auto value = node.value_exact<std::int64_t>();
      if (value) flags.limits[name] = *value;
      return value.has_value();
    };
    keys.push_back({text.name, text.value, set, text.about});
  }
  return keys;
}

Status read_keys(const toml::table& table, const std::vector<Key>& known, const std::string& prefix,
                 const std::string& path, const std::vector<std::string>& tables) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (std::find(tables.begin(), tables.end(), name) != tables.end()) continue;
    const auto at = std::find_if(known.begin(), known.end(), [&](const Key& k) { return k.name == name; });
    if (at == known.end()) {
      return error(ErrorCode::bad_field, "Config file " + path + ": unknown key " + prefix + name);
    }
    if (!at->set(node)) {
      return error(ErrorCode::bad_field,
                   "Config file " + path + ": " + prefix + name + " has a value of the wrong type");
    }
  }
  return {};
}

Status read_table(const toml::table& file, const std::string& name, const std::vector<Key>& known,
                  const std::string& path) {
  const toml::node* node = file.get(name);
  if (node == nullptr) return {};
  if (node->as_table() == nullptr) {
    return error(ErrorCode::bad_field, "Config file " + path + ": " + name + " is no table; write [" + name + "]");
  }
  return read_keys(*node->as_table(), known, name + ".", path, {});
}

// In lines of at most 100 characters, each behind a "# ".
std::string commented(const std::string& about) {
  constexpr std::size_t kWidth = 100;
  std::string text = "#";
  std::size_t width = 1;
  std::istringstream words(about);
  for (std::string word; words >> word; width += word.size() + 1) {
    if (width + word.size() + 1 > kWidth) {
      text.append("\n#");
      width = 1;
    }
    text.append(" ").append(word);
  }
  return text.append("\n");
}

}  // namespace

Status read_config_file(const std::string& path, ServerFlags& flags) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& problem) {
    const auto line = problem.source().begin.line;
    return error(ErrorCode::bad_field, "Config file " + path + (line > 0 ? " line " + std::to_string(line) : "") +
                                           ": " + std::string(problem.description()));
  }
  if (Status status = read_keys(table, keys_of(flags), "", path, {"retention", "inbox", "limits"}); !status.ok())
    return status;
  std::vector<Key> retention = retention_keys_of(flags);
  retention.push_back({"kind-days", "", days_by_kind(flags), ""});
  if (Status status = read_table(table, "retention", retention, path); !status.ok()) return status;
  if (Status status = read_table(table, "inbox", inbox_keys_of(flags), path); !status.ok()) return status;
  return read_table(table, "limits", limit_keys_of(flags), path);
}

std::string config_text() {
  ServerFlags flags;
  std::string text =
      "# Configuration of nostrp2p server. Every key stands here with its default or an example; take the # away in\n"
      "# front of what you change. Options of the command line win.\n";
  const auto add = [&](const Key& key, const std::string& about) {
    text.append("\n").append(commented(about));
    text.append("#").append(key.name).append(" = ").append(key.value).append("\n");
  };
  const auto options = option_texts("server");
  for (const Key& key : keys_of(flags)) {
    const auto option =
        std::find_if(options.begin(), options.end(), [&](const OptionText& text) { return text.name == key.name; });
    add(key, option == options.end() ? std::string() : option->about);
  }
  text += "\n# What is kept, and for how long.\n#[retention]\n";
  for (const Key& key : retention_keys_of(flags)) add(key, key.about);
  text.append("\n");
  text.append(
      commented("Events of a kind are given up after so many days, whoever wrote them but you; like reactions:"));
  text.append("#[retention.kind-days]\n#7 = 90\n");
  text.append("\n");
  text.append(
      commented("What is taken in of the network at all, besides what you and those whom you follow write. What is not "
                "taken is handed on to others, and counted."));
  text += "#[inbox]\n";
  for (const Key& key : inbox_keys_of(flags)) add(key, key.about);
  text += "\n# What clients and other servers may cost.\n#[limits]\n";
  for (const Key& key : limit_keys_of(flags)) add(key, key.about);
  return text;
}

}  // namespace np2p::real
