#include <toml++/toml.h>

#include <functional>
#include <map>

#include "realnet/cli/command_line.h"

namespace np2p::real {

namespace {

using Setter = std::function<bool(const toml::node&)>;  // false: wrong type

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

std::map<std::string, Setter, std::less<>> setters(ServerFlags& flags) {
  return {{"listen-addr-port", scalar(flags.listen)},
          {"boot-peer-addr-port", list(flags.bootstrap)},
          {"external", scalar(flags.external)},
          {"public-key", scalar(flags.public_key)},
          {"writable", scalar(flags.writable)},
          {"debug", scalar(flags.debug)},
          {"ssl", scalar(flags.ssl)},
          {"tls-cert", scalar(flags.tls_cert)},
          {"tls-key", scalar(flags.tls_key)},
          {"data-dir", scalar(flags.data_dir)},
          {"api-listen", scalar(flags.api_listen)},
          {"mode", scalar(flags.mode)},
          {"broadcast-budget", scalar(flags.broadcast_budget)},
          {"overlay", scalar(flags.overlay)},
          {"replies", scalar(flags.replies)},
          {"lan", scalar(flags.lan)},
          {"require-bind", scalar(flags.require_bind)},
          {"no-port-mapping", scalar(flags.no_port_mapping)},
          {"no-relay", scalar(flags.no_relay)},
          {"relay-rate", scalar(flags.relay_rate)},
          {"network-id", scalar(flags.network_id)},
          {"allow-origin", list(flags.allow_origins)},
          {"host-name", list(flags.host_names)},
          {"trust", list(flags.trust)},
          {"writers", list(flags.writers)},
          {"min-pow", scalar(flags.min_pow)},
          {"api-insecure", scalar(flags.api_insecure)},
          {"log-file", scalar(flags.log_file)}};
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
  const auto known = setters(flags);
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto setter = known.find(name);
    if (setter == known.end()) return error(ErrorCode::bad_field, "Config file " + path + ": unknown key " + name);
    if (!setter->second(node)) {
      return error(ErrorCode::bad_field, "Config file " + path + ": " + name + " has a value of the wrong type");
    }
  }
  return {};
}

}  // namespace np2p::real
