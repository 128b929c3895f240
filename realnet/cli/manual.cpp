// The manual page, in man's macros: the commands and options in their own words, and what stands around them.
#include "realnet/cli/command_line.h"
#include "realnet/cli/limit_keys.h"
#include "realnet/version.h"

namespace np2p::real {

namespace {

// Text as roff takes it: a backslash, a hyphen, and a dot or quote at the beginning of a line mean something there.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else {
      out += c;
    }
  }
  if (!out.empty() && out.front() == '.') out.insert(0, "\\&");
  return out;
}

std::string option_text(const OptionText& option) {
  std::string names;
  for (const char c : option.names) {
    names.push_back(c);
    if (c == ',') names.push_back(' ');
  }
  std::string text;
  text.append(".TP\n\\fB").append(escaped(names)).append("\\fR");
  if (option.takes_value && !option.positional) text.append(" \\fIVALUE\\fR");
  text.append("\n").append(escaped(option.about)).append("\n");
  return text;
}

}  // namespace

std::string manual_page() {
  std::string page =
      ".TH NOSTRP2P 1 \"\" \"" + std::string(kVersionLine) +
      "\" \"User Commands\"\n"
      ".SH NAME\nnostrp2p \\- your own server of a peer\\-to\\-peer network of Nostr posts\n"
      ".SH SYNOPSIS\n.B nostrp2p\n.I COMMAND\n[\\fIOPTION\\fR]...\n"
      ".SH DESCRIPTION\n"
      "Every user runs one small server and talks to that server only. The servers find each other, also "
      "from behind NAT, and carry posts to everybody or to followers. The secret key stays with the "
      "client; the server checks every signature.\n"
      ".PP\nIn parentheses behind an option stands what it is if it is not given.\n"
      ".SH COMMANDS\n";
  for (const auto& [name, about] : command_texts()) {
    page.append(".SS ").append(escaped(name)).append("\n").append(escaped(about)).append("\n");
    for (const OptionText& option : option_texts(name)) page += option_text(option);
  }
  page += ".SH OPTIONS\n";
  for (const OptionText& option : option_texts("")) page += option_text(option);
  page +=
      ".SH CONFIGURATION\nA file after \\-\\-config has the long names of the options of server as keys; server "
      "\\-\\-print\\-config prints one with every key explained. Under [retention] stands what is kept and for how "
      "long. Under [limits] stands what clients and other servers may cost:\n";
  for (const LimitText& limit : limit_texts()) {
    page.append(".TP\n\\fB").append(escaped(limit.name)).append("\\fR (").append(limit.value).append(")\n");
    page.append(escaped(limit.about)).append("\n");
  }
  page +=
      ".SH FILES\n"
      ".TP\n.I ~/.local/share/nostrp2p/\nData directories, one for each user: the database, the key of the node (mode "
      "0600), and the socket by which backup, delete and ban reach a running server.\n"
      ".TP\n.I /etc/nostrp2p/nostrp2p.toml\nConfiguration of the system\\(aqs own server, if the Debian package is "
      "installed; its data are in /var/lib/nostrp2p.\n"
      ".SH EXIT STATUS\n0, or 1 if something failed, or 2 if the command line is wrong; 130 if an import was "
      "interrupted.\n"
      ".SH EXAMPLES\n"
      ".EX\nnostrp2p genkey \\-\\-key\\-file alice.key\n"
      "nostrp2p server \\-p npub1... \\-b server.example:20000\n"
      "nostrp2p post \\(dqhello\\(dq \\-\\-key\\-file alice.key\n"
      "nostrp2p backup /backup/nostrp2p.db \\-p npub1...\n.EE\n";
  return page;
}

}  // namespace np2p::real
