// The commands on a data directory - import, export, backup, restore, delete, ban - with the server stopped and
// running, and those of a client: post, timeline, follow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/crypto/signer.h"
#include "core/crypto/verifier.h"
#include "core/event/bind.h"
#include "core/event/json.h"
#include "core/event/nip19.h"
#include "core/event/validation.h"
#include "core/feed/bans.h"
#include "core/feed/own_stream.h"
#include "core/feed/persist.h"
#include "core/store/sqlite_store.h"
#include "realnet/clock.h"
#include "realnet/upgrade.h"
#include "tests/realnet/process.h"
#include "tests/realnet/test_server.h"

namespace np2p::real {
namespace {

using test::Process;
using test::read_text;
using test::TempDir;
using testing::HasSubstr;
using testing::Not;

class DataCommands : public testing::Test {
 protected:
  int run(std::vector<std::string> arguments) {
    Process process(arguments, dir_.path());
    const int status = process.wait();
    out_ = process.out();
    err_ = process.err();
    return status;
  }
  // Of a command on the data directory.
  int on_data(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data-dir", data_, "-p", npub(owner_.public_key())});
    return run(std::move(arguments));
  }
  std::unique_ptr<Process> start_server() {
    auto server = std::make_unique<Process>(
        std::vector<std::string>{"server", "-p", owner_.public_key().hex(), "-l=127.0.0.1:0", "--data-dir", data_},
        server_dir_.path());
    url_ = server->announced("api");
    EXPECT_NE(url_, "") << server->err();
    return server;
  }
  static void stop(std::unique_ptr<Process> server) {
    server->kill(SIGTERM);
    EXPECT_EQ(server->wait(), 0);
  }
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string key_file() {
    const std::string path = file("owner.key", nsec(owner_.secret()) + "\n");
    ::chmod(path.c_str(), 0600);
    return path;
  }
  Event post(const std::string& text, std::int64_t at = 1'700'000'000) const { return owner_.sign(1, at, {}, text); }
  std::string lines(std::size_t count) const {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += event_json(post("post " + std::to_string(i), 1'700'000'000 + static_cast<std::int64_t>(i))) + "\n";
    }
    return text;
  }
  // What the store holds while nobody has it open.
  template <class Look>
  void look(Look&& look_at) {
    auto store = SqliteStore::open(data_ + "/nostrp2p.db", Limits{});
    ASSERT_TRUE(store.ok()) << store.error().reason;
    look_at(**store);
  }
  void expect_one_sentence(const std::string& about) {
    EXPECT_THAT(err_, HasSubstr(about));
    EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
    EXPECT_EQ(out_, "");
  }

  TempDir dir_;
  TempDir server_dir_;
  std::string data_ = dir_.path() + "/data";
  std::string url_;
  std::string out_;
  std::string err_;
  Signer owner_ = Signer::from_seed(9, 1);
  Signer stranger_ = Signer::from_seed(9, 2);
};

TEST_F(DataCommands, ImportTakesWhatIsGoodAndSaysOfTheRestInWhichLineAndWhy) {
  Event forged = post("forged");
  forged.content = "changed";
  Event unsigned_one = post("unsigned");
  unsigned_one.sig.data[5] ^= 1;
  Tags expired;
  expired.add({"expiration", "1700000001"});
  const std::string good = event_json(post("good"));
  const std::string text = good + "\n" +                                                        // 1
                           "\n" +                                                               // 2: nothing
                           event_json(forged) + "\r\n" +                                        // 3
                           event_json(unsigned_one) + "\n" +                                    // 4
                           "{\"kind\":1}\n" +                                                   // 5
                           good + "\n" +                                                        // 6: a duplicate
                           "not json\n" +                                                       // 7
                           std::string(700'000, ' ') + std::string(200'000, 'x') + "\n" +       // 8
                           event_json(owner_.sign(20001, 1'700'000'000, {}, "brief")) + "\n" +  // 9
                           event_json(owner_.sign(1, 1'700'000'000, std::move(expired), "old")) + "\n" +  // 10
                           event_json(owner_.sign(1, 4'000'000'000, {}, "future")) + "\n" +               // 11
                           "  " + event_json(post("last, without an end of the line"));                   // 12
  EXPECT_EQ(on_data({"import", file("in.jsonl", text)}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("2 stored, 1 duplicate, 8 refused"));
  for (const char* line :
       {"line 3: the id is not the hash", "line 4: the signature is not the author's", "line 5: pubkey is missing",
        "line 7: the event is not JSON", "line 8: the event is larger", "line 9: events of this kind are not stored",
        "line 10: it has expired", "line 11: created_at lies in the future"}) {
    EXPECT_THAT(err_, HasSubstr(line));
  }
  EXPECT_EQ(on_data({"import", path("in.jsonl")}), 0);
  EXPECT_THAT(out_, HasSubstr("0 stored, 3 duplicate, 8 refused"));
}

// The room is for others: of them it says what went for what, and what did not get in.
TEST_F(DataCommands, ImportKeepsAllThatIsOwnAndSaysWhatHadNoRoom) {
  const std::string config =
      file("config.toml", "writers = \"" + npub(stranger_.public_key()) + "\"\n[retention]\nevents = 1000\n");
  const Signer noise = Signer::from_seed(9, 3);
  std::string text = lines(1500);
  for (int i = 0; i < 300; ++i) text += event_json(stranger_.sign(1, 1'700'000'000 + i, {}, "a writer's")) + "\n";
  for (int i = 0; i < 130; ++i) text += event_json(noise.sign(1, 1'700'000'000 + i, {}, "noise")) + "\n";
  for (int i = 0; i < 5; ++i) text += event_json(noise.sign(1, 1'600'000'000 + i, {}, "old noise")) + "\n";
  EXPECT_EQ(on_data({"import", file("in.jsonl", text), "--config", config}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("1930 stored, 0 duplicate, 5 refused"));
  EXPECT_THAT(out_, HasSubstr("5 refused: the store has no room for it"));
  EXPECT_THAT(out_, HasSubstr("30 given up for newer ones"));
  look([&](SqliteStore& store) {
    EXPECT_EQ(store.stats().in(Share::own).events, 1800u);
    EXPECT_EQ(store.stats().in(Share::strangers).events, 100u);
  });
}

TEST_F(DataCommands, ImportObeysDeletionsAndBans) {
  const Event gone = post("gone");
  const Event late = post("late", 1'700'000'001);
  Tags tags;
  const std::string first = gone.id.hex();
  const std::string second = late.id.hex();
  tags.add({"e", first});
  tags.add({"e", second});
  const Event deletion = owner_.sign(5, 1'700'000'002, std::move(tags), "");
  EXPECT_EQ(on_data({"ban", npub(stranger_.public_key())}), 1);  // there is no database yet
  EXPECT_EQ(on_data({"import", file("in.jsonl",
                                    event_json(gone) + "\n" + event_json(deletion) + "\n" + event_json(late) + "\n")}),
            0);
  EXPECT_THAT(out_, HasSubstr("2 stored, 0 duplicate, 1 refused"));
  look([&](SqliteStore& store) {
    EXPECT_EQ(store.stats().events, 1u);
    EXPECT_TRUE(store.contains(deletion.id));
  });
  EXPECT_EQ(on_data({"ban", npub(stranger_.public_key())}), 0) << err_;
  EXPECT_EQ(on_data({"import", file("theirs.jsonl", event_json(stranger_.sign(1, 1'700'000'000, {}, "spam")) + "\n")}),
            0);
  EXPECT_THAT(out_, HasSubstr("0 stored, 0 duplicate, 1 refused"));
  EXPECT_THAT(out_, HasSubstr("banned"));
}

TEST_F(DataCommands, ExportGivesBackWhatCameIn) {
  const std::string text = lines(2500);
  EXPECT_EQ(on_data({"import", file("in.jsonl", text), "--threads", "3"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("2500 stored"));
  EXPECT_EQ(on_data({"export"}), 0);
  EXPECT_TRUE(out_ == text);
  EXPECT_EQ(on_data({"export", path("out.jsonl"), "--filter", "{\"until\":1700000004}"}), 0);
  EXPECT_EQ(read_text(path("out.jsonl")), lines(5));
  EXPECT_EQ(on_data({"export", path("out.jsonl")}), 1);
  expect_one_sentence("cannot create");
  EXPECT_EQ(on_data({"export", "--filter", "{"}), 2);
  expect_one_sentence("--filter");
}

TEST_F(DataCommands, ImportReadsStandardInputAndKeepsWhatIsInWhenInterrupted) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  Process process({"import", path("pipe"), "--data-dir", data_, "-p", npub(owner_.public_key())}, dir_.path());
  {
    std::ofstream pipe(path("pipe"));
    pipe << lines(3000) << std::flush;  // more than is read at once
    while (!std::filesystem::exists(data_ + "/nostrp2p.db-wal") ||
           std::filesystem::file_size(data_ + "/nostrp2p.db-wal") == 0) {
      ::usleep(10'000);
    }
    ::usleep(300'000);
    process.kill(SIGINT);
    EXPECT_EQ(process.wait(), 130);
  }
  EXPECT_THAT(process.err(), HasSubstr("interrupted"));
  std::size_t kept = 0;
  look([&](SqliteStore& store) { kept = store.stats().events; });
  EXPECT_THAT(process.out(), HasSubstr(std::to_string(kept) + " stored"));
  EXPECT_EQ(on_data({"import", file("in.jsonl", lines(3000))}), 0);
  EXPECT_THAT(out_, HasSubstr(std::to_string(3000 - kept) + " stored, " + std::to_string(kept) + " duplicate"));
}

TEST_F(DataCommands, ADirectoryThatAServerHasIsLeftAlone) {
  auto server = start_server();
  const std::string in = file("in.jsonl", lines(1));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"import", in}, {"export"}, {"restore", in, "--force"}}) {
    EXPECT_EQ(on_data(command), 1);
    expect_one_sentence("a server runs on " + data_ + ": stop it first");
  }
  stop(std::move(server));
  EXPECT_FALSE(std::filesystem::exists(data_ + "/control"));
}

TEST_F(DataCommands, MistakesAreOneSentence) {
  EXPECT_EQ(run({"export"}), 2);
  expect_one_sentence("Say which data directory");
  EXPECT_EQ(run({"export", "--data-dir", path("nowhere")}), 1);
  expect_one_sentence("there is no database in");
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
  EXPECT_EQ(run({"import", file("in", ""), "--data-dir", path("new")}), 2);
  expect_one_sentence("say with -p whose it is");
  EXPECT_EQ(on_data({"import", path("no such file")}), 1);
  expect_one_sentence("cannot read");
  EXPECT_EQ(on_data({"delete"}), 2);
  expect_one_sentence("Name what is to go");
  EXPECT_EQ(on_data({"delete", "abc"}), 2);
  expect_one_sentence("64 hex digits");
  EXPECT_EQ(on_data({"ban", "abc"}), 2);
  EXPECT_EQ(run({"post", "hello", "--key-file", path("none"), "--server", "http://127.0.0.1:1"}), 1);
  expect_one_sentence("cannot be read");
}

TEST_F(DataCommands, ABackupOfARunningServerIsWholeAndCanBeRestored) {
  ASSERT_EQ(on_data({"import", file("in.jsonl", lines(3000))}), 0) << err_;
  auto server = start_server();
  EXPECT_EQ(on_data({"backup", path("copy.db"), "--node-key"}), 0) << err_;
  EXPECT_EQ(on_data({"backup", path("copy.db")}), 2);
  expect_one_sentence("--force replaces it");
  struct stat about {};
  ASSERT_EQ(::stat(path("copy.db").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  const std::string node_key = read_text(data_ + "/node.key");
  EXPECT_EQ(read_text(path("copy.db.node.key")), node_key);
  // It goes on serving.
  EXPECT_EQ(run({"post", "after the backup", "--key-file", key_file(), "--server", url_}), 0) << err_;
  stop(std::move(server));
  std::uint64_t before = 0;
  look([&](SqliteStore& store) {
    EXPECT_EQ(store.stats().events, 3001u);
    store.each_value(Table::stream, [&](std::string_view, std::string_view value) { before = *take_u64(value); });
  });

  EXPECT_EQ(on_data({"restore", path("copy.db")}), 2);
  expect_one_sentence("--force replaces it");
  EXPECT_EQ(on_data({"restore", path("copy.db"), "--force"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("3000 events"));
  look([&](SqliteStore& store) { EXPECT_EQ(store.stats().events, 3000u); });
  EXPECT_TRUE(std::filesystem::exists(data_ + "/nostrp2p.db.before-restore"));
  // Numbers of the stream that were given away and are lost are given again, under another name.
  server = start_server();
  EXPECT_EQ(run({"post", "after the restore", "--key-file", key_file(), "--server", url_}), 0) << err_;
  stop(std::move(server));
  look([&](SqliteStore& store) {
    std::uint64_t after = 0;
    store.each_value(Table::stream, [&](std::string_view, std::string_view value) { after = *take_u64(value); });
    EXPECT_GT(after, before);
  });

  // Elsewhere, with the node's key.
  const std::string elsewhere = path("elsewhere");
  EXPECT_EQ(run({"restore", path("copy.db"), "--data-dir", elsewhere, "--node-key", path("copy.db.node.key")}), 0)
      << err_;
  EXPECT_EQ(read_text(elsewhere + "/node.key"), node_key);
  EXPECT_FALSE(std::filesystem::exists(elsewhere + "/nostrp2p.db.before-restore"));
  EXPECT_EQ(run({"export", "--data-dir", elsewhere}), 0);
  EXPECT_EQ(out_, lines(3000));
}

// Whatever moment the power fails at: the name is never without a file.
TEST_F(DataCommands, ARestoreNeverLeavesTheDirectoryWithoutADatabase) {
  ASSERT_EQ(on_data({"import", file("in.jsonl", lines(3))}), 0) << err_;
  ASSERT_EQ(on_data({"backup", path("copy.db")}), 0) << err_;
  ASSERT_EQ(on_data({"import", file("more.jsonl", lines(5))}), 0) << err_;
  const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(::inotify_add_watch(watch, data_.c_str(), IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE), 0);
  ASSERT_EQ(on_data({"restore", path("copy.db"), "--force"}), 0) << err_;
  std::vector<std::string> happened;
  alignas(inotify_event) char buffer[4096];
  for (ssize_t got = 0; (got = ::read(watch, buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < got;) {
      const auto* one = reinterpret_cast<const inotify_event*>(buffer + at);
      if (std::string(one->name) == "nostrp2p.db")
        happened.emplace_back((one->mask & IN_MOVED_TO) != 0 ? "came" : "went");
      at += static_cast<ssize_t>(sizeof *one + one->len);
    }
  }
  ::close(watch);
  EXPECT_EQ(happened, std::vector<std::string>{"came"});
  look([](SqliteStore& store) { EXPECT_EQ(store.stats().events, 3u); });
  auto before = SqliteStore::open(data_ + "/nostrp2p.db.before-restore", Limits{});
  ASSERT_TRUE(before.ok()) << before.error().reason;
  EXPECT_EQ((*before)->stats().events, 5u);
}

// There is no way back from an upgrade, so what was there stays beside it.
TEST_F(DataCommands, BeforeAnUpgradeTheDatabaseIsKeptAsItWas) {
  const std::string old = NP2P_VECTORS "/store/schema3.db";
  const std::string copy = data_ + "/nostrp2p.db.schema-3";
  std::filesystem::create_directories(data_);
  std::filesystem::copy_file(old, data_ + "/nostrp2p.db");
  std::ofstream(data_ + "/nostrp2p.db.schema-2") << "of long ago";
  EXPECT_EQ(run({"export", "--data-dir", data_}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("the database had schema 3"));
  EXPECT_THAT(err_, HasSubstr(copy));
  EXPECT_EQ(read_text(copy), read_text(old));
  struct stat about {};
  ASSERT_EQ(::stat(copy.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(data_ + "/nostrp2p.db.schema-2"));
  EXPECT_NE(read_text(data_ + "/nostrp2p.db"), read_text(old));
  EXPECT_EQ(run({"export", "--data-dir", data_}), 0) << err_;
  EXPECT_EQ(err_, "18 events\n");

  // An upgrade that was broken off may be in the log alone: the copy of before it stays.
  const std::string database = path("half.db");
  std::filesystem::copy_file(old, database);
  std::ofstream(database + "-wal") << "frames";
  std::ofstream(database + ".schema-3") << "as it was";
  EXPECT_EQ(*keep_before_upgrade(database), "");
  EXPECT_EQ(read_text(database + ".schema-3"), "as it was");
  // Without one, both are kept.
  ::unlink((database + ".schema-3").c_str());
  EXPECT_THAT(*keep_before_upgrade(database), HasSubstr("had schema 3"));
  EXPECT_EQ(read_text(database + ".schema-3"), read_text(old));
  EXPECT_EQ(read_text(database + ".schema-3-wal"), "frames");
  // No room for it, no upgrade.
  std::filesystem::create_directories(database + ".schema-3.part/x");
  ::unlink((database + "-wal").c_str());
  ASSERT_FALSE(keep_before_upgrade(database).ok());
  EXPECT_THAT(keep_before_upgrade(database).error().reason, HasSubstr("must be kept before it is brought up to date"));
}

TEST_F(DataCommands, ABackupThatIsNotWholeReplacesNothing) {
  ASSERT_EQ(on_data({"import", file("in.jsonl", lines(300))}), 0) << err_;
  ASSERT_EQ(on_data({"backup", path("copy.db")}), 0) << err_;
  const std::string whole = read_text(path("copy.db"));
  const auto with = [&](std::size_t at, char byte) {
    std::string text = whole;
    text[at] = static_cast<char>(text[at] ^ byte);
    return file("bad.db", text);
  };
  const std::size_t in_a_post = whole.find("post 17");
  ASSERT_NE(in_a_post, std::string::npos);
  const std::pair<std::string, std::string> bad[] = {{with(in_a_post, 1), "damaged"},
                                                     {file("cut.db", whole.substr(0, whole.size() / 2)), "damaged"},
                                                     {file("other.db", "no database"), "is not a nostrp2p database"},
                                                     {path("nothing"), "cannot read"}};
  for (const auto& [copy, why] : bad) {
    EXPECT_EQ(on_data({"restore", copy, "--force"}), 1) << copy;
    expect_one_sentence(why);
  }
  // A signature that is somebody's, but not of this event.
  {
    auto store = SqliteStore::open(path("forged.db"), Limits{});
    ASSERT_TRUE(store.ok());
    Event event = post("forged");
    event.sig = post("other").sig;
    (*store)->set_value(Table::node, "owner", text_of(owner_.public_key().view()));
    (*store)->put(*ValidationGate::trusted(event));
  }
  EXPECT_EQ(on_data({"restore", path("forged.db"), "--force"}), 1);
  expect_one_sentence("signature");
  // Somebody else's.
  EXPECT_EQ(run({"restore", path("copy.db"), "--data-dir", path("theirs"), "-p", npub(stranger_.public_key())}), 1);
  expect_one_sentence("is the database of");
  EXPECT_EQ(on_data({"export"}), 0);
  EXPECT_EQ(out_, lines(300));
  for (const auto& entry : std::filesystem::directory_iterator(data_)) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("restore")));
  }
}

TEST_F(DataCommands, DeletesAndBansWhileTheServerRunsAndWhileItDoesNot) {
  const Event theirs = stranger_.sign(1, 1'700'000'000, {}, "theirs");
  const Event reaction = stranger_.sign(7, 1'700'000'001, {}, "+");
  const Event profile = owner_.sign(0, 1'700'000'000, {}, "{}");
  std::string text = lines(5) + event_json(theirs) + "\n" + event_json(reaction) + "\n" + event_json(profile) + "\n";
  ASSERT_EQ(on_data({"import", file("in.jsonl", text)}), 0) << err_;
  auto server = start_server();
  EXPECT_EQ(on_data({"delete", note(post("post 0").id)}), 0) << err_;
  EXPECT_EQ(out_, "1 events deleted\n");
  EXPECT_EQ(on_data({"delete", "--author", npub(stranger_.public_key()), "--kind", "7"}), 0) << err_;
  EXPECT_EQ(out_, "1 events deleted\n");
  EXPECT_EQ(on_data({"delete", profile.id.hex()}), 1);
  expect_one_sentence("your own profile");
  EXPECT_EQ(on_data({"ban", npub(owner_.public_key())}), 1);
  expect_one_sentence("your own key");
  EXPECT_EQ(on_data({"ban", npub(stranger_.public_key())}), 0) << err_;
  EXPECT_EQ(out_, "1 events deleted\n");
  stop(std::move(server));
  look([&](SqliteStore& store) {
    EXPECT_EQ(store.stats().events, 5u);  // four posts and the profile
    EXPECT_TRUE(is_banned(stranger_.public_key(), store));
  });
  EXPECT_EQ(on_data({"ban", "--undo", npub(stranger_.public_key())}), 0) << err_;
  EXPECT_EQ(on_data({"delete", "--kind", "1"}), 0) << err_;
  EXPECT_EQ(out_, "4 events deleted\n");
  look([&](SqliteStore& store) {
    EXPECT_EQ(store.stats().events, 1u);
    EXPECT_FALSE(is_banned(stranger_.public_key(), store));
  });
  // What was deleted by its id does not come in again, the rest may.
  ASSERT_EQ(on_data({"import", path("in.jsonl")}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("6 stored, 1 duplicate, 1 refused"));
}

TEST_F(DataCommands, PostsFollowsAndShowsATimeline) {
  auto server = start_server();
  const std::string key = key_file();
  EXPECT_EQ(run({"timeline", "--server", url_}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run({"post", "hello \x1b[31mworld\nagain", "--key-file", key, "--server", url_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("note1"));
  EXPECT_EQ(run({"timeline", "--server", url_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(npub(owner_.public_key()).substr(0, 16) + ": hello  [31mworld again\n"));
  EXPECT_EQ(run({"post", "", "--key-file", key, "--server", url_}), 2);
  expect_one_sentence("nothing to post");
  EXPECT_EQ(run({"timeline", "--limit", "0", "--server", url_}), 2);

  const std::string friend_key = npub(stranger_.public_key());
  EXPECT_EQ(run({"follow", friend_key, "--key-file", key, "--server", url_}), 2);
  expect_one_sentence("Your server has no follow list of yours");
  EXPECT_EQ(run({"follow", friend_key, "--key-file", key, "--server", url_, "--new"}), 0) << err_;
  EXPECT_EQ(out_, "1 followed\n");
  EXPECT_EQ(
      run({"follow", Signer::from_seed(9, 3).public_key().hex(), friend_key, "--key-file", key, "--server", url_}), 0);
  EXPECT_EQ(out_, "2 followed\n");
  EXPECT_EQ(run({"follow", "--undo", friend_key, "--key-file", key, "--server", url_}), 0) << err_;
  EXPECT_EQ(out_, "1 followed\n");

  test::HttpClient client(static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1))));
  const Event profile = owner_.sign(0, unix_seconds(wall_now()), {}, "{\"name\":\"Ann\\u0007\"}");
  ASSERT_EQ(client.request("POST", "/publish", event_json(profile)).status, 200);
  EXPECT_EQ(run({"timeline", npub(owner_.public_key()), "--server", url_}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("  Ann : hello"));
  EXPECT_EQ(run({"timeline", "--json", "--server", url_}), 0) << err_;
  const auto event = parse_event_json(out_, Limits{});
  ASSERT_TRUE(event.ok()) << out_;
  EXPECT_EQ(event->content, "hello \x1b[31mworld\nagain");

  // Somebody else's key.
  const std::string other = file("other.key", nsec(stranger_.secret()));
  ::chmod(other.c_str(), 0600);
  EXPECT_EQ(run({"post", "not mine", "--key-file", other, "--server", url_}), 1);
  expect_one_sentence("The server refuses the post");
  stop(std::move(server));
}

}  // namespace
}  // namespace np2p::real
