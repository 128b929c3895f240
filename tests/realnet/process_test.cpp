// The program as its users start it: exit statuses and sentences, two servers on one directory or port, an orderly end,
// and a death in the middle of publishing that loses nothing it acknowledged.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "core/event/json.h"
#include "core/event/nip19.h"
#include "core/wire/packet.h"
#include "tests/realnet/process.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::HttpClient;
using test::Process;
using test::read_text;
using test::TempDir;

class ProcessTest : public testing::Test {
 protected:
  int run(const std::vector<std::string>& arguments) {
    Process process(arguments, dir_.path());
    const int status = process.wait();
    out_ = process.out();
    err_ = process.err();
    return status;
  }
  std::vector<std::string> server(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"server",         "-p",         owner_.public_key().hex(),
                                          "-l=127.0.0.1:0", "--data-dir", data_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // One line on stderr that says something.
  void expect_one_sentence() {
    EXPECT_GT(err_.size(), 20u);
    EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
    EXPECT_EQ(out_, "");
  }
  TempDir dir_;
  std::string data_ = dir_.path() + "/data";
  Signer owner_ = Signer::from_seed(4, 1);
  std::string out_, err_;
};

TEST_F(ProcessTest, WrongArgumentsAreOneSentenceAndStatus2) {
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"server"},
                                                                 {"server", "-p", "npub1nonsense"},
                                                                 {"server", "-p", "abcd"},
                                                                 server({"-l", "nonsense"}),
                                                                 server({"--mode", "loud"}),
                                                                 server({"-w=maybe"}),
                                                                 server({"--log-format", "xml"}),
                                                                 server({"--unknown"}),
                                                                 {"dance"}}) {
    EXPECT_EQ(run(wrong), 2) << wrong.back();
    expect_one_sentence();
  }
}

TEST_F(ProcessTest, StatusTellsHowAServerIsDoing) {
  TempDir other;
  Process running(server(), other.path());
  const std::string url = "http://127.0.0.1:" + std::to_string(running.api_port());
  ASSERT_EQ(run({"status", "--server", url}), 0) << err_;
  EXPECT_NE(out_.find("node id:      " + running.announced("node id")), std::string::npos) << out_;
  EXPECT_NE(out_.find("it listens on loopback only"), std::string::npos) << out_;
  running.kill(SIGTERM);
  EXPECT_EQ(running.wait(), 0);
  EXPECT_EQ(run({"status", "--server", url}), 1);
  expect_one_sentence();
}

TEST_F(ProcessTest, GenkeyPrintsAsTheOriginal) {
  ASSERT_EQ(run({"genkey"}), 0);
  std::vector<std::string> lines;
  std::stringstream text(out_);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines[0], "Secret Key:");
  EXPECT_EQ(lines[2], "Secret Key (In Hex Representation): ");
  EXPECT_EQ(lines[4], "Public Key:");
  EXPECT_EQ(lines[6], "Public key (In Hex Representation): ");
  EXPECT_EQ(lines[8], "");
  EXPECT_EQ(lines[9], "Please keep the secret key secret.");
  EXPECT_EQ(lines[10], "The key is used only at NostrP2P client as your identity.");
  const auto secret = parse_nsec(lines[1]);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->hex(), lines[3]);
  const auto signer = Signer::from_secret(*secret);
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ(npub(signer->public_key()), lines[5]);
  EXPECT_EQ(signer->public_key().hex(), lines[7]);
}

TEST_F(ProcessTest, GenkeyWritesASecretFileOnceAndOnlyForItsOwner) {
  const std::string path = dir_.path() + "/key";
  ASSERT_EQ(run({"genkey", "--json", "--key-file", path}), 0);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(out_.find("nsec"), std::string::npos);
  const std::string before = read_text(path);
  EXPECT_EQ(run({"genkey", "--key-file", path}), 1);
  expect_one_sentence();
  EXPECT_EQ(read_text(path), before);
}

TEST_F(ProcessTest, PortDirectoryAndFilesInTheWayAreOneSentenceAndStatus1) {
  Process first(server(), dir_.path());
  const std::string listen = first.announced("listen");
  ASSERT_FALSE(listen.empty());
  TempDir other;
  const auto attempt = [&](const std::vector<std::string>& arguments) {
    Process process(arguments, other.path());
    const int status = process.wait();
    err_ = process.err();
    out_ = process.out();
    return status;
  };
  EXPECT_EQ(attempt(server()), 1);
  expect_one_sentence();
  EXPECT_NE(err_.find("in use by another server"), std::string::npos) << err_;
  EXPECT_EQ(attempt({"server", "-p", owner_.public_key().hex(), "-l", listen, "--data-dir", other.path() + "/d"}), 1);
  expect_one_sentence();
  EXPECT_NE(err_.find(listen), std::string::npos) << err_;
  // Nor beside it on every address of both kinds.
  const std::string any = "[::]" + listen.substr(listen.rfind(':'));
  EXPECT_EQ(attempt({"server", "-p", owner_.public_key().hex(), "-l", any, "--data-dir", other.path() + "/d"}), 1);
  expect_one_sentence();
  EXPECT_NE(err_.find("cannot listen on " + any), std::string::npos) << err_;
  EXPECT_EQ(attempt(server({"--data-dir", other.path() + "/d2", "-s", "--tls-cert", "/does/not/exist"})), 1);
  expect_one_sentence();
  EXPECT_EQ(attempt(server({"--data-dir", other.path() + "/d2", "-s"})), 1);
  expect_one_sentence();
  EXPECT_NE(err_.find(other.path() + "/d2/fullchain.pem"), std::string::npos) << err_;
  EXPECT_EQ(attempt(server({"--data-dir", "/proc/nowhere"})), 1);
  expect_one_sentence();
}

TEST_F(ProcessTest, DamagedFilesAreRefusedAndLeftAlone) {
  ASSERT_EQ(::mkdir(data_.c_str(), 0700), 0);
  const std::string rubbish(8192, 'x');
  std::ofstream(data_ + "/nostrp2p.db") << rubbish;
  EXPECT_EQ(run(server()), 1);
  expect_one_sentence();
  EXPECT_EQ(read_text(data_ + "/nostrp2p.db"), rubbish);
  ::unlink((data_ + "/nostrp2p.db").c_str());
  std::ofstream(data_ + "/node.key", std::ios::trunc) << "not a key\n";
  EXPECT_EQ(run(server()), 1);
  expect_one_sentence();
  EXPECT_EQ(read_text(data_ + "/node.key"), "not a key\n");
}

// Ids of all events that the server holds.
std::set<std::string> held(std::uint16_t port) {
  std::set<std::string> ids;
  HttpClient client(port);
  const auto answer = client.request("POST", "/req", R"({"kinds":[1],"since":1,"limit":5000})");
  const auto events = decode_answer(bytes_of(answer.body), Limits{});
  EXPECT_TRUE(events.ok());
  if (!events.ok()) return ids;
  for (const Event& event : *events) ids.insert(event.id.hex());
  return ids;
}

TEST_F(ProcessTest, DamageInTheDatabaseIsSaidAndCounted) {
  {
    Process process(server(), dir_.path());
    HttpClient client(process.api_port());
    for (int i = 0; i < 3; ++i) {
      const Event event =
          owner_.sign(1, unix_seconds(wall_now()) - i, {}, "post number " + std::to_string(i) + " is here");
      ASSERT_EQ(client.request("POST", "/publish", event_json(event)).status, 200);
    }
    process.kill(SIGTERM);
    ASSERT_EQ(process.wait(), 0);
  }
  const std::string path = data_ + "/nostrp2p.db";
  std::string bytes = read_text(path);
  for (const char* text : {"number 0 is here", "number 2 is here"}) {
    for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text)) bytes[at] = 'N';
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  Process process(server(), dir_.path());
  const std::uint16_t port = process.api_port();
  EXPECT_EQ(held(port).size(), 1u);
  HttpClient client(port);
  EXPECT_NE(client.request("GET", "/status", "", "").body.find("\"rotten\":2,"), std::string::npos);
  EXPECT_NE(client.request("GET", "/metrics", "", "").body.find("np2p_rotten_events 2\n"), std::string::npos);
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
  const std::string said = process.err();
  EXPECT_NE(said.find("2 stored events no longer have the bytes"), std::string::npos) << said;
  EXPECT_NE(read_text(path).find("Number 0 is here"), std::string::npos);  // the bytes that are left are kept
}

TEST_F(ProcessTest, ADamagedLogIsSaidAndKept) {
  {
    Process process(server(), dir_.path());
    HttpClient client(process.api_port());
    for (int i = 0; i < 30; ++i) {
      const Event event = owner_.sign(1, unix_seconds(wall_now()), {}, "post number " + std::to_string(i));
      ASSERT_EQ(client.request("POST", "/publish", event_json(event)).status, 200);
    }
    process.kill(SIGKILL);
    process.wait();
  }
  const std::string path = data_ + "/nostrp2p.db-wal";
  std::string log = read_text(path);
  ASSERT_GT(log.size(), 100'000u);
  for (std::size_t i = 50'000; i < 50'008; ++i) log[i] = static_cast<char>(log[i] ^ 0x5A);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << log;
  Process process(server(), dir_.path());
  EXPECT_LT(held(process.api_port()).size(), 30u);
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_NE(process.err().find("the end of the write-ahead log was damaged"), std::string::npos) << process.err();
  EXPECT_EQ(read_text(path + ".damaged-1"), log);
}

TEST_F(ProcessTest, ADatabaseIsOpenedForItsOwnerOnly) {
  {
    Process first(server(), dir_.path());
    ASSERT_FALSE(first.announced("api").empty());
    first.kill(SIGTERM);
    EXPECT_EQ(first.wait(), 0);
  }
  const std::string stranger = Signer::from_seed(4, 2).public_key().hex();
  EXPECT_EQ(run({"server", "-p", stranger, "-l=127.0.0.1:0", "--data-dir", data_}), 1);
  expect_one_sentence();
  EXPECT_NE(err_.find("belongs to npub1"), std::string::npos) << err_;
}

TEST_F(ProcessTest, TheNodeKeySurvivesARestartAndIsPrivate) {
  std::string first;
  for (int i = 0; i < 2; ++i) {
    Process process(server(), dir_.path());
    const std::string id = process.announced("node id");
    EXPECT_EQ(id.size(), 64u);
    if (i == 0) first = id;
    EXPECT_EQ(id, first);
    EXPECT_FALSE(process.announced("api").empty());
    process.kill(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
  }
  struct stat info {};
  ASSERT_EQ(::stat((data_ + "/node.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

class Publisher {
 public:
  Publisher(const Signer& owner, std::uint16_t port) : owner_(owner), client_(port) {}
  // Publishes until it is told to stop or the server dies; keeps what was acknowledged.
  void run(int index, const std::atomic<bool>& stop) {
    try {
      for (int i = 0; !stop; ++i) {
        const Event event =
            owner_.sign(1, unix_seconds(wall_now()), {}, std::to_string(index) + " " + std::to_string(i));
        const auto answer = client_.request("POST", "/publish", event_json(event));
        if (answer.status == 200) acknowledged.insert(event.id.hex());
        if (answer.status != 200) refused.push_back(answer.status);
      }
    } catch (const std::exception&) {
      // The server is gone; what was not answered may be lost.
    }
  }
  std::set<std::string> acknowledged;
  std::vector<int> refused;

 private:
  const Signer& owner_;
  HttpClient client_;
};

// Which of `ids` the server does not hold; asked in parts, because an answer has at most 5,000 events.
std::vector<std::string> missing(std::uint16_t port, const std::set<std::string>& ids) {
  std::vector<std::string> lost;
  HttpClient client(port);
  for (auto next = ids.begin(); next != ids.end();) {
    std::set<std::string> part;
    std::string list;
    for (; next != ids.end() && part.size() < 500; ++next) {
      part.insert(*next);
      list += (list.empty() ? "\"" : ",\"") + *next + "\"";
    }
    const auto answer = client.request("POST", "/req", R"({"ids":[)" + list + R"(],"limit":500})");
    const auto events = decode_answer(bytes_of(answer.body), Limits{});
    EXPECT_TRUE(events.ok()) << answer.status;
    if (!events.ok()) return {ids.begin(), ids.end()};
    for (const Event& event : *events) part.erase(event.id.hex());
    lost.insert(lost.end(), part.begin(), part.end());
  }
  return lost;
}

// Publishes over four connections, ends the server with `signal` meanwhile, and looks what a new one still has.
void expect_nothing_lost(const Signer& owner, const std::vector<std::string>& command, const std::string& directory,
                         int signal, int expected_status) {
  std::set<std::string> acknowledged;
  std::vector<int> refused;
  {
    Process process(command, directory);
    const std::uint16_t port = process.api_port();
    ASSERT_NE(port, 0);
    std::atomic<bool> stop = false;
    std::vector<std::unique_ptr<Publisher>> publishers;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) publishers.push_back(std::make_unique<Publisher>(owner, port));
    for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { publishers[static_cast<std::size_t>(i)]->run(i, stop); });
    ::usleep(400'000);
    process.kill(signal);
    EXPECT_EQ(process.wait(), expected_status);
    stop = true;
    for (auto& thread : threads) thread.join();
    for (const auto& publisher : publishers) {
      acknowledged.insert(publisher->acknowledged.begin(), publisher->acknowledged.end());
      refused.insert(refused.end(), publisher->refused.begin(), publisher->refused.end());
    }
  }
  ASSERT_GT(acknowledged.size(), 4u);
  for (const int status : refused) EXPECT_EQ(status, 503);  // only while shutting down
  Process again(command, directory);
  EXPECT_EQ(missing(again.api_port(), acknowledged), std::vector<std::string>{}) << "of " << acknowledged.size();
  again.kill(SIGTERM);
  EXPECT_EQ(again.wait(), 0);
}

TEST_F(ProcessTest, Kill9LosesNothingAcknowledged) {
  for (int round = 0; round < 3; ++round) {
    expect_nothing_lost(owner_, server(), dir_.path(), SIGKILL, 1000 + SIGKILL);
  }
}

TEST_F(ProcessTest, SigtermWhilePublishingLosesNothingAndEndsInOrder) {
  expect_nothing_lost(owner_, server(), dir_.path(), SIGTERM, 0);
  expect_nothing_lost(owner_, server(), dir_.path(), SIGINT, 0);
}

TEST_F(ProcessTest, TheDatabaseIsPrivateWhateverTheUmask) {
  const mode_t before = ::umask(0);
  Process process(server(), dir_.path());
  ::umask(before);
  EXPECT_EQ(process.announced("data"), data_);
  ASSERT_NE(process.api_port(), 0);
  struct stat info {};
  ASSERT_EQ(::stat((data_ + "/nostrp2p.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ProcessTest, AHangupEndsItInOrder) {
  Process process(server(), dir_.path());
  ASSERT_NE(process.api_port(), 0);
  process.kill(SIGHUP);
  EXPECT_EQ(process.wait(), 0);
}

// Until the server's log has these words; a busy machine takes its time.
bool says(const Process& process, const std::string& words) {
  for (int attempt = 0; attempt < 600; ++attempt) {
    if (process.err().find(words) != std::string::npos) return true;
    ::usleep(50'000);
  }
  return false;
}

TEST_F(ProcessTest, TheLogTellsWhetherItHasJoined) {
  Process first(server(), dir_.path());
  const std::string way_in = first.announced("listen");
  ASSERT_FALSE(way_in.empty());
  TempDir other;
  const std::string stranger = Signer::from_seed(4, 2).public_key().hex();
  const auto second_server = [&](const std::string& way) {
    return std::vector<std::string>{"server", "-p", stranger, "-l=127.0.0.1:0", "--data-dir", other.path() + "/d",
                                    "-b",     way};
  };
  {
    Process lonely(second_server("127.0.0.1:1"), other.path());
    EXPECT_TRUE(says(lonely, "cannot reach 127.0.0.1:1: connection refused; retrying")) << lonely.err();
    EXPECT_EQ(lonely.err().find("first link"), std::string::npos);
  }
  Process second(second_server(way_in), other.path());
  EXPECT_TRUE(says(second, "first link: to " + way_in)) << second.err();
  EXPECT_TRUE(says(second, "joined the network")) << second.err();
  EXPECT_TRUE(says(first, "first link: from 127.0.0.1")) << first.err();
  EXPECT_TRUE(says(first, "joined the network")) << first.err();
}

TEST_F(ProcessTest, AServerThatIsItsOwnWayInSaysSo) {
  std::string listen;
  {
    Process first(server(), dir_.path());
    listen = first.announced("listen");
    ASSERT_FALSE(listen.empty());
    first.kill(SIGTERM);
    EXPECT_EQ(first.wait(), 0);
  }
  Process again(server({"-l", listen, "-b", listen}), dir_.path());
  EXPECT_TRUE(says(again, "-b " + listen + ": that is this server itself")) << again.err();
  EXPECT_NE(again.api_port(), 0);
}

TEST_F(ProcessTest, AWayInWhoseNameDoesNotResolveIsNoReasonToStayDown) {
  Process process(server({"-b", "nobody.invalid:20000"}), dir_.path());
  EXPECT_NE(process.api_port(), 0);
  EXPECT_NE(process.err().find("nobody.invalid"), std::string::npos) << process.err();
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(ProcessTest, ALogFileGoesOnlyWhereADirectoryIs) {
  const std::string nowhere = dir_.path() + "/typo";
  EXPECT_EQ(run(server({"--log-file", nowhere + "/log"})), 1);
  expect_one_sentence();
  EXPECT_NE(::access(nowhere.c_str(), F_OK), 0);
}

TEST_F(ProcessTest, AFullStandardOutputIsNoSuccess) {
  const std::string command = std::string(NP2P_SERVER) + " genkey >/dev/full 2>/dev/null";
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(ProcessTest, ConfigFileAndFlags) {
  const std::string path = dir_.path() + "/np2p.toml";
  std::ofstream(path) << "public-key = \"" << owner_.public_key().hex() << "\"\nwritable = false\nlisten-addr-port = "
                      << "\"localhost:0\"\ndata-dir = \"" << data_ << "\"\n";
  for (const bool writable : {false, true}) {
    std::vector<std::string> arguments = {"server", "--config", path};
    if (writable) arguments.push_back("-w");
    Process process(arguments, dir_.path());
    HttpClient client(process.api_port());
    const auto status = client.request("GET", "/status", "", "");
    EXPECT_NE(status.body.find(writable ? "\"writable\":true" : "\"writable\":false"), std::string::npos);
  }
  std::ofstream(path) << "public-kee = 1\n";
  EXPECT_EQ(run({"server", "--config", path}), 2);
  expect_one_sentence();
}

}  // namespace
}  // namespace np2p::real
