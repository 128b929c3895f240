#include <fmt/format.h>

#include "realnet/cli/status_words.h"

namespace np2p::real {

namespace {

// What keeps others out, as far as its neighbours could find out.
std::string_view obstacle(std::string_view nat) {
  if (nat == "symmetric") return "it is behind a NAT that gives each connection another port (symmetric)";
  if (nat == "port restricted") {
    return "it is behind a NAT that lets in only the addresses and ports that it has dialled itself (port restricted)";
  }
  if (nat == "restricted") {
    return "it is behind a NAT that lets in only the addresses that it has dialled itself (restricted)";
  }
  if (nat == "full cone") {
    return "it is behind a NAT that lets others in only where it has opened a port from inside (full cone)";
  }
  if (nat == "endpoint-independent") return "it is behind a NAT, what that lets in is not known";
  return "a NAT or a firewall of an unknown kind lets nobody in";
}

std::string router(const StatusReport& report) {
  if (!report.router_asked) return ", and no router was asked to open its port";
  if (report.router_opened.is_unspecified()) return ", and no router opened its port by UPnP or NAT-PMP";
  return fmt::format(", and nobody gets in at {} either, which the router opened ({}): there may be another NAT behind",
                     report.router_opened.text(), report.router_by);
}

std::string loopback(const StatusReport& report) {
  return fmt::format("it listens on loopback only ({}; -l 0.0.0.0:{} would let others in)", report.listen.text(),
                     report.listen.port);
}

// How it is doing in the network, whoever can dial it; a further half of the sentence.
std::string standing(const StatusReport& report) {
  if (!report.joined()) {
    if (report.ways_in.empty()) {
      return "; it has no neighbour: it was started without -b, and nobody has joined through it yet";
    }
    std::vector<std::string> failing;
    std::vector<std::string> open;
    for (const auto& way : report.ways_in) {
      (way.trouble.empty() ? open : failing).push_back(way.address + (way.trouble.empty() ? "" : ": " + way.trouble));
    }
    if (!open.empty()) return "; it has no neighbour yet: it is joining through " + comma_list(open);
    return fmt::format("; it has no neighbour: the server{} after -b cannot be reached ({})",
                       failing.size() == 1 ? "" : "s", comma_list(failing));
  }
  if (report.mesh) return {};
  std::string words;
  if (report.dialled_at.is_unspecified()) {
    words = report.relays.empty() ? "; no neighbour relays for it yet"
                                  : fmt::format("; it is reached through its relay{} {}",
                                                report.relays.size() == 1 ? "" : "s", comma_list(report.relays));
  }
  if (!report.published) words += "; the directory does not say yet where it is";
  return words;
}

std::string dialled(const StatusReport& report) {
  const std::string at = report.dialled_at.text();
  if (report.dialled_at.is_loopback()) {
    return fmt::format("only servers on this machine can dial it, at {}: {}", at, loopback(report));
  }
  if (report.dialled_at == report.external) {
    return fmt::format("others can dial it at {}, as --external says, which is taken at its word", at);
  }
  if (report.dialled_at.is_private()) return fmt::format("others can dial it at {}, in that private network only", at);
  if (report.dialled_at == report.router_opened) {
    return fmt::format("others can dial it at {}, which the router opened ({})", at, report.router_by);
  }
  return fmt::format("others can dial it at {}", at);
}

std::string dialling(const StatusReport& report) {
  if (!report.dialled_at.is_unspecified()) return dialled(report);
  if (report.listen.is_loopback()) return "nobody on another machine can dial this server: " + loopback(report);
  if (report.mesh) return "whether others can dial it is not known: on the mesh nobody finds that out";
  if (!report.joined()) return "whether others can dial it is not known: neighbours find that out";
  if (!report.asked) return "whether others can dial it is being found out: its neighbours try";
  return "nobody can dial this server: " + std::string(obstacle(report.nat)) + router(report);
}

}  // namespace

std::string comma_list(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

std::string reach_words(const StatusReport& report) {
  return dialling(report) + standing(report);
}

}  // namespace np2p::real
