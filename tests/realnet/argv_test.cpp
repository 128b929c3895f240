#include "realnet/cli/argv.h"

#include "realnet/http/http_server.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "realnet/cli/command_line.h"
#include "realnet/cli/limit_keys.h"
#include "realnet/cli/server_options.h"

namespace np2p::real {
namespace {

using Arguments = std::vector<std::string>;

const std::vector<ShortFlag> kFlags = {{'l', "listen-addr-port"}, {'w', "writable"}, {'d', "debug"}, {'s', "ssl"}};
constexpr char kKey[] = "3df07657179337cfddcd70750f47e7b14cda805ce98a409afd87247099b7ef24";

Arguments normalised(const Arguments& arguments) {
  return normalise_argv(arguments, kFlags);
}

TEST(NormaliseArgv, SpellingsOfTheOriginal) {
  EXPECT_EQ(normalised({"server", "-w=false"}), (Arguments{"server", "--writable=false"}));
  EXPECT_EQ(normalised({"-l=127.0.0.1:20002"}), (Arguments{"--listen-addr-port=127.0.0.1:20002"}));
  EXPECT_EQ(normalised({"-dw=false"}), (Arguments{"-d", "--writable=false"}));
  EXPECT_EQ(normalised({"-l=a=b"}), (Arguments{"--listen-addr-port=a=b"}));
  EXPECT_EQ(normalised({"-l="}), (Arguments{"--listen-addr-port="}));
}

TEST(NormaliseArgv, LeavesTheRestAlone) {
  const Arguments same = {"server", "-w", "--writable=false", "-l", "h:1", "-x=1", "-", "=", "-=", "plain=1", "-dx=1"};
  EXPECT_EQ(normalised(same), same);
  EXPECT_EQ(normalised({"--", "-w=false"}), (Arguments{"--", "-w=false"}));
}

ServerFlags server_flags(const Arguments& arguments) {
  Arguments all = {"server", "-p", kKey};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const auto command = parse_command_line(all);
  EXPECT_TRUE(command.ok()) << (command.ok() ? "" : command.error().reason);
  return command.ok() ? std::get<ServerCommand>(*command).flags : ServerFlags{};
}

TEST(CommandLine, BooleansInAllSpellings) {
  EXPECT_EQ(server_flags({}).writable, std::nullopt);
  EXPECT_EQ(server_flags({"-w"}).writable, true);
  EXPECT_EQ(server_flags({"-w=false"}).writable, false);
  EXPECT_EQ(server_flags({"--writable=false"}).writable, false);
  EXPECT_EQ(server_flags({"-w=0"}).writable, false);
  EXPECT_EQ(server_flags({"-s=true"}).ssl, true);
  EXPECT_EQ(server_flags({"-d"}).debug, true);
}

TEST(CommandLine, OfOptionsGivenTwiceTheLastCounts) {
  EXPECT_EQ(server_flags({"-l", "a:1", "-l=b:2"}).listen, "b:2");
  EXPECT_EQ(server_flags({"--trust", "10.0.0.0/8", "--trust", "fd00::/8"}).trust->size(), 2u);
}

TEST(CommandLine, WritersAreGivenOneByOneOrTogether) {
  for (const Arguments& spelling : {Arguments{"--writers", "a", "--writers", "b"}, Arguments{"--writers", "a", "b"},
                                    Arguments{"--writers=a", "--writers", "b", "-d"}}) {
    EXPECT_EQ(server_flags(spelling).writers, (Arguments{"a", "b"})) << spelling.size();
  }
}

TEST(CommandLine, AddressesInAllSpellings) {
  for (const Arguments& spelling :
       {Arguments{"-l=127.0.0.1:7000"}, Arguments{"-l", "127.0.0.1:7000"},
        Arguments{"--listen-addr-port", "127.0.0.1:7000"}, Arguments{"--listen-addr-port=127.0.0.1:7000"}}) {
    EXPECT_EQ(server_flags(spelling).listen, "127.0.0.1:7000");
  }
  const auto two = server_flags({"-b", "a:1", "-b=b:2"}).bootstrap;
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(*two, (Arguments{"a:1", "b:2"}));
}

TEST(CommandLine, MistakesAreOneSentence) {
  for (const Arguments& wrong :
       {Arguments{"server"}, Arguments{"server", "-p"}, Arguments{"serve"},
        Arguments{"server", "-p", kKey, "--no-such-flag"}, Arguments{"server", "-p", kKey, "-w=maybe"},
        Arguments{"genkey", "x"}, Arguments{"bind"}, Arguments{"bind", "--key-file", "k", "--epoch", "soon"},
        Arguments{"help", "nothing"}, Arguments{"server", "-p", kKey, "--config", "/does/not/exist"}}) {
    const auto command = parse_command_line(wrong);
    ASSERT_FALSE(command.ok()) << wrong.back();
    EXPECT_EQ(command.error().code, ErrorCode::bad_field) << wrong.back();
    EXPECT_FALSE(command.error().reason.empty());
    EXPECT_EQ(command.error().reason.find('\n'), std::string::npos) << command.error().reason;
  }
}

// What `server --print-config` prints is all that the file may have, and says of everything what it is.
TEST(ConfigFile, ThePrintedOneHasEveryKeyAndTheDefaults) {
  const std::string text = config_text();
  EXPECT_EQ(text.find("\n\n\n"), std::string::npos);
  const std::string path = testing::TempDir() + "/np2p-printed.toml";
  std::ofstream(path) << text;
  ServerFlags flags;
  ASSERT_TRUE(read_config_file(path, flags).ok());
  EXPECT_FALSE(flags.listen || flags.public_key || flags.keep_events);

  // With every # in front of a key taken away, each has a value, and the ones with defaults change nothing.
  std::istringstream lines(text);
  std::ofstream all(path);
  std::set<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 110u) << line;
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    if (key && line.find(" = ") != std::string::npos) keys.insert(line.substr(1, line.find(" = ") - 1));
    all << (key ? line.substr(1) : line) << '\n';
  }
  all.close();
  const Status read = read_config_file(path, flags);
  ASSERT_TRUE(read.ok()) << read.error().reason;
  for (const OptionText& option : option_texts("server")) {
    const bool only_a_flag = option.name == "help" || option.name == "config" || option.name == "print-config";
    EXPECT_EQ(keys.count(option.name), only_a_flag ? 0u : 1u) << option.name;
    EXPECT_FALSE(option.about.empty()) << option.name;
  }
  EXPECT_EQ(keys.size(),
            option_texts("server").size() - 3 + 10 + 4 + limit_texts().size());  // with those of the tables
  EXPECT_EQ(flags.limits.size(), limit_texts().size());
  for (const LimitText& limit : limit_texts()) EXPECT_EQ(keys.count(limit.name), 1u) << limit.name;
  Limits limits;
  ASSERT_TRUE(apply_retention(flags, limits).ok());
  EXPECT_EQ(limits.stored_events, Limits{}.stored_events);
  EXPECT_EQ(limits.stranger_share_percent, Limits{}.stranger_share_percent);
  EXPECT_EQ(limits.stored_bytes, Limits{}.stored_bytes);
  EXPECT_EQ(limits.follower_share_percent, Limits{}.follower_share_percent);
  EXPECT_EQ(limits.trusted_share_percent, Limits{}.trusted_share_percent);
  EXPECT_EQ(limits.mention_share_percent, Limits{}.mention_share_percent);
  EXPECT_EQ(limits.sealed_share_percent, Limits{}.sealed_share_percent);
  ServerFlags defaults;
  defaults.public_key = kKey;
  flags.public_key = kKey;
  flags.external.reset();
  flags.bootstrap.reset();
  flags.broadcast_budget.reset();
  flags.api_listen.reset();  // the default, but said: then private networks may read
  std::vector<std::string> warnings;
  const auto said = server_options(flags, warnings);
  const auto silent = server_options(defaults, warnings);
  ASSERT_TRUE(said.ok()) << said.error().reason;
  ASSERT_TRUE(silent.ok());
  EXPECT_EQ(said->config.listen.text(), silent->config.listen.text());
  EXPECT_EQ(said->config.mode, silent->config.mode);
  EXPECT_EQ(said->config.overlay, silent->config.overlay);
  EXPECT_EQ(said->config.replies, silent->config.replies);
  EXPECT_EQ(said->config.writable, silent->config.writable);
  EXPECT_EQ(said->config.relay_bytes_per_s, silent->config.relay_bytes_per_s);
  EXPECT_EQ(said->config.network_id, silent->config.network_id);
  EXPECT_EQ(said->config.auto_mode.budget_bytes_per_s, silent->config.auto_mode.budget_bytes_per_s);
  EXPECT_EQ(said->port_mapping, silent->port_mapping);
  EXPECT_EQ(said->tls_certificate, silent->tls_certificate);
  const Inbox& inbox = said->config.inbox;
  EXPECT_TRUE(inbox.followers && inbox.mentions && inbox.trusted && inbox.strangers);
  EXPECT_EQ(said->ages.strangers, 0);
  EXPECT_EQ(said->ages.kinds.at(7), 90 * 86'400);
}

TEST(ConfigFile, SaysWhatIsTakenInAndWhatIsKept) {
  const std::string path = testing::TempDir() + "/np2p-inbox.toml";
  const auto options = [&](const std::string& text) -> Result<ServerOptions> {
    std::ofstream(path) << text;
    ServerFlags flags;
    flags.public_key = kKey;
    if (Status status = read_config_file(path, flags); !status.ok()) return status.error();
    std::vector<std::string> warnings;
    return server_options(flags, warnings);
  };
  const auto said = options(
      "[retention]\nevents = 2000\nmib = 32\nstrangers-percent = 0\ntrusted-percent = 1\nmentions-percent = 2\n"
      "sealed-percent = 3\nfollowers-percent = 94\n[inbox]\nstrangers = false\nmentions = false\n");
  ASSERT_TRUE(said.ok()) << said.error().reason;
  const Config& config = said->config;
  EXPECT_EQ(config.limits.stored_bytes, 32u * 1024 * 1024);
  EXPECT_EQ(config.limits.sealed_share_percent, 3u);
  EXPECT_TRUE(config.inbox.followers && config.inbox.trusted);
  EXPECT_FALSE(config.inbox.strangers || config.inbox.mentions);
  for (const auto& [text, why] :
       std::map<std::string, std::string>{{"[retention]\nfollowers-percent = 76", "add up to 101; at most 100"},
                                          {"[retention]\nmib = 15", "retention.mib \"15\": must be 16 to 1000000"},
                                          {"[inbox]\nstrangers = 1", "inbox.strangers has a value of the wrong type"},
                                          {"[inbox]\nfriends = true", "unknown key inbox.friends"}}) {
    const auto refused = options(text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_NE(refused.error().reason.find(why), std::string::npos) << refused.error().reason;
  }
}

Status with_limits(const std::string& text, Limits& limits, HttpLimits& http) {
  const std::string path = testing::TempDir() + "/np2p-limits.toml";
  std::ofstream(path) << text;
  ServerFlags flags;
  if (Status status = read_config_file(path, flags); !status.ok()) return status;
  return apply_limits(flags, limits, http);
}

TEST(ConfigFile, TheDefaultsOfLimitsAreThoseOfTheProgram) {
  ServerFlags flags;
  for (const LimitText& limit : limit_texts()) flags.limits[limit.name] = std::stoll(limit.value);
  Limits said;
  HttpLimits said_http;
  ASSERT_TRUE(apply_limits(flags, said, said_http).ok());
  const Limits limits;
  const HttpLimits http;
  EXPECT_EQ(said.event_bytes, limits.event_bytes);
  EXPECT_EQ(said.list_tags, limits.list_tags);
  EXPECT_EQ(said.future_tolerance, limits.future_tolerance);
  EXPECT_EQ(said.link_events_burst, limits.link_events_burst);
  EXPECT_EQ(said.client.message_bytes, limits.client.message_bytes);
  EXPECT_EQ(said.client.queue_bytes, limits.client.queue_bytes);
  EXPECT_EQ(said.client.sessions, limits.client.sessions);
  EXPECT_EQ(said.client.all_deliveries_per_minute, limits.client.all_deliveries_per_minute);
  EXPECT_EQ(said_http.per_address, http.per_address);
  EXPECT_EQ(said_http.header_deadline, http.header_deadline);
}

TEST(ConfigFile, LimitsAreSetInTheirUnits) {
  Limits limits;
  HttpLimits http;
  const Status status = with_limits(
      "[limits]\nevent-kib = 8\nevent-tags = 20\nlist-kib = 16\nlist-tags = 30\nfuture-seconds = 0\nmessage-kib = 24\n"
      "outbound-kib = 64\nanswers-kib = 100\nwebsockets = 1000\nconnections-per-address = 3\nheader-seconds = 2\n"
      "body-seconds = 5\nping-seconds = 20\nmessages-per-second = 7\ndeliveries-per-minute = 5\n"
      "link-events-per-second = 50\n",
      limits, http);
  ASSERT_TRUE(status.ok()) << status.error().reason;
  EXPECT_EQ(limits.event_bytes, 8192u);
  EXPECT_EQ(limits.event_tags, 20u);
  EXPECT_EQ(limits.list_bytes, 16'384u);
  EXPECT_EQ(limits.list_tags, 30u);
  EXPECT_EQ(limits.future_tolerance, Duration{});
  EXPECT_EQ(limits.client.message_bytes, 24'576u);
  EXPECT_EQ(limits.client.queue_bytes, 65'536u);
  EXPECT_EQ(limits.client.answer_bytes, 102'400u);
  EXPECT_EQ(limits.client.sessions, 1000u) << "a place for each that may connect";
  EXPECT_EQ(limits.client.messages_per_second, 7u);
  EXPECT_EQ(limits.client.deliveries_per_minute, 5u);
  EXPECT_EQ(limits.link_events_per_second, 50u);
  EXPECT_EQ(http.web_sockets, 1000u);
  EXPECT_EQ(http.per_address, 3u);
  EXPECT_EQ(http.header_deadline, Duration{2s});
  EXPECT_EQ(http.body_deadline, Duration{5s});
  EXPECT_EQ(http.web_socket.idle, Duration{20s});
  EXPECT_EQ(limits.client.filters, Limits{}.client.filters) << "what is not given stays";
}

TEST(ConfigFile, MistakesOfLimitsAreNamed) {
  const std::pair<std::string, std::string> wrong[] = {
      {"limits = 5", "limits is no table; write [limits]"},
      {"[limits]\nevent-kb = 5", "unknown key limits.event-kb"},
      {"[limits]\nevent-kib = \"64\"", "limits.event-kib has a value of the wrong type"},
      {"[limits]\nevent-kib = 0", "limits.event-kib \"0\": must be 1 to 256"},
      {"[limits]\nlist-kib = 257", "limits.list-kib \"257\": must be 1 to 256"},
      {"[limits]\nfilters = -1", "limits.filters \"-1\": must be 1 to 1000"},
      {"[limits]\nmessage-kib = 256", "limits.message-kib \"256\": must be more than event-kib and list-kib"}};
  for (const auto& [text, reason] : wrong) {
    Limits limits;
    HttpLimits http;
    const Status status = with_limits(text, limits, http);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.error().code, ErrorCode::bad_field);
    EXPECT_NE(status.error().reason.find(reason), std::string::npos) << status.error().reason;
  }
  // No value of the range is one that the program cannot live with.
  for (const LimitText& limit : limit_texts()) {
    const auto range = limit.about.rfind(". ") + 2;
    const std::string most = limit.about.substr(limit.about.find(" to ", range) + 4);
    Limits limits;
    HttpLimits http;
    EXPECT_TRUE(with_limits("[limits]\n" + limit.name + " = " + most.substr(0, most.find('.')), limits, http).ok())
        << limit.name;
    EXPECT_LE(std::max(limits.event_bytes, limits.list_bytes) + 32 * 1024, limits.frame_bytes);
  }
}

TEST(ConfigFile, MistakesOfRetentionAreNamed) {
  const std::string path = testing::TempDir() + "/np2p-retention.toml";
  const std::pair<std::string, std::string> wrong[] = {
      {"retention = 5", "retention is no table"},
      {"[retention]\nevent = 5", "unknown key retention.event"},
      {"[retention]\nevents = \"many\"", "retention.events has a value of the wrong type"},
      {"[retention]\nevents = 5", "retention.events \"5\": must be 1000 to"},
      {"[retention]\nstrangers-percent = 101", "must be 0 to 100"},
      {"[retention.kind-days]\nseven = 5", "retention.kind-days has a value of the wrong type"},
      {"[retention.kind-days]\n7 = -1", "kind-days.7"}};
  for (const auto& [text, reason] : wrong) {
    std::ofstream(path) << text;
    ServerFlags flags;
    Status status = read_config_file(path, flags);
    Limits limits;
    if (status.ok()) status = apply_retention(flags, limits);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.error().code, ErrorCode::bad_field);
    EXPECT_NE(status.error().reason.find(reason), std::string::npos) << status.error().reason;
  }
}

TEST(CommandLine, TheManualHasEveryCommandAndOption) {
  const std::string page = manual_page();
  for (const LimitText& limit : limit_texts()) {
    std::string name;
    for (const char c : limit.name) name += c == '-' ? "\\-" : std::string(1, c);
    EXPECT_NE(page.find("\\fB" + name + "\\fR (" + limit.value + ")"), std::string::npos) << limit.name;
  }
  for (const auto& [name, about] : command_texts()) {
    EXPECT_NE(page.find(".SS " + name + "\n"), std::string::npos) << name;
    EXPECT_FALSE(about.empty());
    for (const OptionText& option : option_texts(name))
      EXPECT_FALSE(option.about.empty()) << name << " " << option.names;
  }
  EXPECT_NE(page.find("\\-\\-listen\\-addr\\-port"), std::string::npos);
}

TEST(CommandLine, CommandsOnDataAreRead) {
  const auto import = parse_command_line({"import", "-", "--data-dir", "/d", "--threads", "2"});
  ASSERT_TRUE(import.ok()) << import.error().reason;
  EXPECT_EQ(std::get<ImportFlags>(*import).file, "-");
  EXPECT_EQ(std::get<ImportFlags>(*import).data.data_dir, "/d");
  const auto removal = parse_command_line({"delete", "a", "b", "-p", kKey});
  ASSERT_TRUE(removal.ok());
  EXPECT_EQ(std::get<DeleteFlags>(*removal).ids, (Arguments{"a", "b"}));
  EXPECT_FALSE(parse_command_line({"import"}).ok());
  EXPECT_FALSE(parse_command_line({"delete", "--kind", "x"}).ok());
  EXPECT_FALSE(parse_command_line({"follow", "k"}).ok());
  for (const char* command : {"import", "export", "backup", "restore", "delete", "ban", "post", "timeline", "follow"}) {
    const auto help = parse_command_line({command, "--help"});
    ASSERT_TRUE(help.ok()) << command;
    EXPECT_TRUE(std::holds_alternative<PrintCommand>(*help)) << command;
  }
}

TEST(CommandLine, HelpAndVersionPrint) {
  for (const Arguments& asking :
       {Arguments{}, Arguments{"help"}, Arguments{"--help"}, Arguments{"server", "-h"}, Arguments{"help", "server"},
        Arguments{"help", "bind"}, Arguments{"bind", "--help"}, Arguments{"--version"}}) {
    const auto command = parse_command_line(asking);
    ASSERT_TRUE(command.ok());
    ASSERT_TRUE(std::holds_alternative<PrintCommand>(*command));
    EXPECT_FALSE(std::get<PrintCommand>(*command).text.empty());
  }
}

TEST(CommandLine, MistakesAreInOurWords) {
  const std::pair<Arguments, std::string> wrong[] = {
      {{"--nonsense"}, "There is no option \"--nonsense\""},
      {{"--mod", "auto"}, "There is no option \"--mod\"; is --mode meant?"},
      {{"--mod=auto"}, "There is no option \"--mod=auto\"; is --mode meant?"},
      {{"-w", "false"}, "-w=false"},
      {{"--mode"}, "--mode needs a value"},
      {{"--relay-rate", "abc"}, "--relay-rate \"abc\": a number is needed"},
      {{"word"}, "\"word\""}};
  for (const auto& [arguments, words] : wrong) {
    Arguments all = {"server", "-p", kKey};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto command = parse_command_line(all);
    ASSERT_FALSE(command.ok()) << arguments.back();
    EXPECT_NE(command.error().reason.find(words), std::string::npos) << command.error().reason;
  }
}

TEST(CommandLine, AWrongSwitchIsNamed) {
  const auto command = parse_command_line({"server", "-p", kKey, "-w=maybe"});
  ASSERT_FALSE(command.ok());
  EXPECT_NE(command.error().reason.find("--writable=maybe"), std::string::npos) << command.error().reason;
}

TEST(CommandLine, HelpNamesEveryCommand) {
  for (const Arguments& asking : {Arguments{}, Arguments{"help"}, Arguments{"--help"}}) {
    const auto command = parse_command_line(asking);
    ASSERT_TRUE(command.ok());
    const std::string& text = std::get<PrintCommand>(*command).text;
    for (const char* name : {"server", "genkey", "bind", "help"}) EXPECT_NE(text.find(name), std::string::npos) << text;
  }
}

TEST(CommandLine, BindTakesWhatItNeeds) {
  const auto plain = parse_command_line({"bind", "--key-file", "k"});
  ASSERT_TRUE(plain.ok() && std::holds_alternative<BindCommand>(*plain));
  const BindFlags& flags = std::get<BindCommand>(*plain).flags;
  EXPECT_EQ(flags.key_file, "k");
  EXPECT_EQ(flags.server, "http://127.0.0.1:20001");
  EXPECT_EQ(flags.days, 90);
  EXPECT_FALSE(flags.revoke || flags.print || flags.node || flags.epoch);
  const auto all = parse_command_line({"bind", "--key-file=k", "--server=http://[::1]:9", "--node=ab", "--epoch", "7",
                                       "--days", "30", "--print", "--revoke"});
  ASSERT_TRUE(all.ok() && std::holds_alternative<BindCommand>(*all));
  const BindFlags& said = std::get<BindCommand>(*all).flags;
  EXPECT_EQ(said.server, "http://[::1]:9");
  EXPECT_EQ(said.node, "ab");
  EXPECT_EQ(said.epoch, 7u);
  EXPECT_EQ(said.days, 30);
  EXPECT_TRUE(said.revoke && said.print);
}

Result<ServerOptions> options_of(const Arguments& arguments) {
  std::vector<std::string> warnings;
  return server_options(server_flags(arguments), warnings);
}

TEST(ServerOptions, DefaultsOfTheOriginal) {
  const auto options = options_of({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->config.listen.text(), "127.0.0.1:20000");
  EXPECT_TRUE(options->config.writable);
  EXPECT_TRUE(options->config.bootstrap.empty());
  EXPECT_EQ(options->config.owner.hex(), kKey);
}

TEST(ServerOptions, TheOverlayThatScalesUnlessTheMeshIsAskedFor) {
  EXPECT_EQ(options_of({})->config.overlay, OverlayKind::hyparview);
  EXPECT_EQ(options_of({"--overlay", "hyparview"})->config.overlay, OverlayKind::hyparview);
  EXPECT_EQ(options_of({"--overlay=mesh"})->config.overlay, OverlayKind::mesh);
}

TEST(ServerOptions, WhereOthersReachUsMayBeSaid) {
  EXPECT_TRUE(options_of({})->config.external.is_unspecified());
  EXPECT_EQ(options_of({"--external", "203.0.113.5:20000"})->config.external.text(), "203.0.113.5:20000");
}

TEST(ServerOptions, CertificatesLieBesideTheConfigFileOrInTheDataDirectory) {
  const auto files = [](const Arguments& arguments) {
    const auto options = options_of(arguments);
    return options->tls_certificate + " " + options->tls_key;
  };
  EXPECT_EQ(files({"-s", "--data-dir", "/data"}), "/data/fullchain.pem /data/privkey.pem");
  EXPECT_EQ(files({"-s", "--data-dir", "/data", "--tls-cert", "tls/a.pem", "--tls-key", "/etc/b.pem"}),
            "/data/tls/a.pem /etc/b.pem");
  const std::string folder = std::filesystem::canonical(testing::TempDir()).string();
  const std::string config = folder + "/np2p-tls.toml";
  std::ofstream(config) << "ssl = true\ntls-cert = \"a.pem\"\n";
  EXPECT_EQ(files({"--config", config, "--data-dir", "/data"}), folder + "/a.pem " + folder + "/privkey.pem");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  EXPECT_EQ(files({"--config", "np2p-tls.toml"}), folder + "/a.pem " + folder + "/privkey.pem");
  EXPECT_EQ(files({"-s", "--data-dir", "here"}), folder + "/here/fullchain.pem " + folder + "/here/privkey.pem");
  std::filesystem::current_path(before);
}

TEST(ServerOptions, TrustedProxiesAreNetworks) {
  const auto options = options_of({"--trusted-proxies", "127.0.0.1", "--trusted-proxies", "fd00::/8"});
  ASSERT_TRUE(options.ok());
  ASSERT_EQ(options->api_settings.trusted_proxies.size(), 2u);
  EXPECT_TRUE(options->api_settings.trusted_proxies[1].contains(*Address::parse("[fd00::1]:1")));
  EXPECT_TRUE(options_of({})->api_settings.trusted_proxies.empty());
  EXPECT_EQ(options_of({"--trusted-proxies", "nginx"}).error().reason,
            "--trusted-proxies nginx is not a network like 10.0.0.0/8");
}

TEST(ServerOptions, RequireBindIsASwitch) {
  EXPECT_FALSE(options_of({})->config.require_bind);
  EXPECT_TRUE(options_of({})->config.relay);
  EXPECT_FALSE(options_of({"--no-relay"})->config.relay);
  EXPECT_EQ(options_of({"--relay-rate", "64"})->config.relay_bytes_per_s, 64u * 1024);
  EXPECT_FALSE(options_of({"--relay-rate", "0"}).ok());
  EXPECT_TRUE(options_of({"--require-bind"})->config.require_bind);
  EXPECT_FALSE(options_of({"--require-bind=false"})->config.require_bind);
}

TEST(ServerOptions, AKeyThatIsNoneIsNotRepeatedInFull) {
  const std::string secret = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
  for (const std::string& key : {secret, std::string(kKey).substr(1)}) {
    const auto command = parse_command_line({"server", "-p", key});
    std::vector<std::string> warnings;
    const auto options = server_options(std::get<ServerCommand>(*command).flags, warnings);
    ASSERT_FALSE(options.ok());
    EXPECT_EQ(options.error().reason.find(key.substr(8, 8)), std::string::npos) << options.error().reason;
    EXPECT_NE(options.error().reason.find(key.substr(0, 8)), std::string::npos) << options.error().reason;
  }
}

TEST(ServerOptions, ANameThatDoesNotResolveIsForLaterUnlessThereIsAnotherWayIn) {
  std::vector<std::string> warnings;
  const auto alone = server_options(server_flags({"-b", "nobody.invalid:1"}), warnings);
  ASSERT_TRUE(alone.ok()) << alone.error().reason;
  EXPECT_EQ(alone->late_names, (Arguments{"nobody.invalid"}));
  EXPECT_TRUE(alone->config.bootstrap.empty());
  EXPECT_FALSE(alone->config.dial_loopback);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("nobody.invalid"), std::string::npos);
  const auto other = options_of({"-b", "nobody.invalid:1", "-b", "127.0.0.1:2"});
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(other->late_names.empty());
  EXPECT_EQ(other->config.bootstrap.size(), 1u);
  for (const char* wrong : {"nobody.invalid", "nobody.invalid:0", "nobody.invalid:x"}) {
    EXPECT_EQ(options_of({"-b", wrong}).error().code, ErrorCode::bad_field) << wrong;
  }
}

TEST(ServerOptions, NamesAreResolved) {
  const auto options = options_of({"-l", "localhost:20010", "-b", "localhost:20000"});
  ASSERT_TRUE(options.ok()) << options.error().reason;
  EXPECT_TRUE(options->config.listen.is_loopback());
  EXPECT_EQ(options->config.bootstrap.at(0).port, 20000);
  EXPECT_TRUE(options->config.dial_loopback);
}

TEST(ServerOptions, LoopbackIsDialledOnlyWhenEverythingIsLoopback) {
  EXPECT_FALSE(options_of({"-l", "0.0.0.0:20000", "-b", "127.0.0.1:1"})->config.dial_loopback);
  EXPECT_FALSE(options_of({"-b", "198.51.100.1:1"})->config.dial_loopback);
  EXPECT_TRUE(options_of({"-b", "127.0.0.2:1"})->config.dial_loopback);
  EXPECT_FALSE(options_of({})->config.dial_private);
  EXPECT_TRUE(options_of({"--lan"})->config.dial_private);
  EXPECT_TRUE(options_of({"-l", "192.168.1.2:20000"})->config.dial_private);
}

TEST(ServerOptions, AddressesMayBeIPv6) {
  const auto options = options_of({"-l", "[::1]:20000", "-b", "[2001:db8::5]:20000"});
  ASSERT_TRUE(options.ok()) << options.error().reason;
  EXPECT_EQ(options->config.listen.text(), "[::1]:20000");
  EXPECT_TRUE(options->config.listen.is_loopback());
  EXPECT_EQ(options->config.bootstrap.at(0).text(), "[2001:db8::5]:20000");
  EXPECT_TRUE(options_of({"-l", "[::]:20000"})->config.listen.is_unspecified());
  EXPECT_EQ(options_of({"-b", "[::ffff:192.0.2.1]:5"})->config.bootstrap.at(0).text(), "192.0.2.1:5");
  EXPECT_TRUE(options_of({"-l", "[::1]:0", "-b", "[::1]:1"})->config.dial_loopback);
  EXPECT_TRUE(options_of({"-l", "[fd00::1]:20000"})->config.dial_private);
}

TEST(ServerOptions, RoutersAreAskedWhereThatMayHelp) {
  EXPECT_FALSE(options_of({})->port_mapping);  // loopback
  EXPECT_FALSE(options_of({"-l", "[::1]:20000"})->port_mapping);
  EXPECT_TRUE(options_of({"-l", "0.0.0.0:20000"})->port_mapping);
  EXPECT_TRUE(options_of({"-l", "[::]:20000"})->port_mapping);
  EXPECT_TRUE(options_of({"-l", "192.168.1.2:20000"})->port_mapping);
  EXPECT_FALSE(options_of({"-l", "198.51.100.1:20000"})->port_mapping);  // needs none
  EXPECT_FALSE(options_of({"-l", "0.0.0.0:20000", "--no-port-mapping"})->port_mapping);
  EXPECT_TRUE(options_of({"-l", "0.0.0.0:20000", "--no-port-mapping=false"})->port_mapping);
}

TEST(ServerOptions, TheModeMayBeLeftToTheServer) {
  EXPECT_EQ(options_of({})->config.mode, FeedMode::broadcast);
  EXPECT_EQ(options_of({"--mode", "multicast"})->config.mode, FeedMode::multicast);
  const auto chosen = options_of({"--mode", "auto", "--broadcast-budget", "500"});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen->config.mode, FeedMode::automatic);
  EXPECT_EQ(chosen->config.auto_mode.budget_bytes_per_s, 500u);
}

TEST(ServerOptions, MistakesNameTheFlag) {
  const std::pair<Arguments, std::string> wrong[] = {{{"-l", "nonsense"}, "-l"},
                                                     {{"-l", "127.0.0.1:99999"}, "-l"},
                                                     {{"-l", "127.0.0.1:65535"}, "-l"},
                                                     {{"-b", "host"}, "-b"},
                                                     {{"--mode", "loud"}, "--mode"},
                                                     {{"--broadcast-budget", "500"}, "--mode auto"},
                                                     {{"--mode", "auto", "--broadcast-budget", "0"}, "1 to 1000000000"},
                                                     {{"--overlay", "ring"}, "--overlay"},
                                                     {{"--external", "203.0.113.5"}, "--external"},
                                                     {{"--external", "203.0.113.5:0"}, "--external"},
                                                     {{"--external", "0.0.0.0:20000"}, "--external"},
                                                     {{"--external", "224.0.0.1:20000"}, "--external"},
                                                     {{"-l", "::1:20000"}, "-l"},
                                                     {{"-l", "[::1:20000"}, "-l"},
                                                     {{"-b", "[::1]"}, "-b"},
                                                     {{"--trust", "10/8"}, "--trust"},
                                                     {{"--trust", "10.0.0.0/33"}, "--trust"},
                                                     {{"--network-id", ""}, "--network-id"}};
  for (const auto& [arguments, flag] : wrong) {
    const auto options = options_of(arguments);
    ASSERT_FALSE(options.ok()) << arguments.back();
    EXPECT_EQ(options.error().code, ErrorCode::bad_field);
    EXPECT_NE(options.error().reason.find(flag), std::string::npos) << options.error().reason;
  }
}

}  // namespace
}  // namespace np2p::real
