// The disk itself, and that it does what its header says: a test disk that forgets nothing would prove nothing.
#include "tests/core/store/test_disk.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>

namespace np2p::test {

struct TestDisk::Vfs {
  sqlite3_vfs vfs{};
};

namespace {

constexpr std::size_t kSector = 512;

struct OpenFile {
  sqlite3_file base;
  TestDisk* disk;
  void* file;  // a shared_ptr<TestDisk::File>*
};

void overwrite(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

}  // namespace

struct TestDiskCalls {
  using File = TestDisk::File;
  static OpenFile& self(sqlite3_file* f) { return *reinterpret_cast<OpenFile*>(f); }
  static File& content(sqlite3_file* f) { return **static_cast<std::shared_ptr<File>*>(self(f).file); }

  static int close(sqlite3_file* f) {
    delete static_cast<std::shared_ptr<File>*>(self(f).file);
    f->pMethods = nullptr;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* f, void* out, int size, sqlite3_int64 offset) {
    if (!self(f).disk->power_ || self(f).disk->unreadable) return SQLITE_IOERR_READ;
    const std::string& now = content(f).now;
    const auto at = std::min<std::size_t>(static_cast<std::size_t>(offset), now.size());
    const std::size_t there = std::min<std::size_t>(static_cast<std::size_t>(size), now.size() - at);
    std::memcpy(out, now.data() + at, there);
    std::memset(static_cast<char*>(out) + there, 0, static_cast<std::size_t>(size) - there);
    return there == static_cast<std::size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
    TestDisk& disk = *self(f).disk;
    if (disk.full) return SQLITE_FULL;
    if (!disk.power_) return SQLITE_IOERR_WRITE;
    const bool whole = disk.operation();  // at the cut a part of the write may be under way: restore_power() decides
    std::string bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
    overwrite(content(f).now, static_cast<std::uint64_t>(offset), bytes);
    content(f).unsafe.push_back({static_cast<std::uint64_t>(offset), std::move(bytes), false});
    return whole ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }
  static int truncate(sqlite3_file* f, sqlite3_int64 size) {
    if (!self(f).disk->operation()) return SQLITE_IOERR_TRUNCATE;
    content(f).now.resize(static_cast<std::size_t>(size));
    content(f).unsafe.push_back({static_cast<std::uint64_t>(size), {}, true});
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* f, int /*flags*/) {
    TestDisk& disk = *self(f).disk;
    if (!disk.operation()) return SQLITE_IOERR_FSYNC;
    ++disk.syncs;
    File& file = content(f);
    if (disk.syncs_fail) {
      file.unsafe.clear();  // the kernel reports it once and forgets; the content stays readable until power is lost
      return SQLITE_IOERR_FSYNC;
    }
    for (const auto& write : file.unsafe) {
      if (write.truncate) {
        file.safe.resize(write.offset);
      } else {
        overwrite(file.safe, write.offset, write.bytes);
      }
    }
    file.unsafe.clear();
    file.safe_exists = true;
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* f, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(content(f).now.size());
    return SQLITE_OK;
  }
  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int check_lock(sqlite3_file*, int* locked) {
    *locked = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return static_cast<int>(kSector); }
  static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static TestDisk& disk(sqlite3_vfs* vfs) { return *static_cast<TestDisk*>(vfs->pAppData); }
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    static constexpr sqlite3_io_methods kMethods{
        1,           close,           read,    write,   truncate, sync,    file_size, lock,   lock, check_lock, control,
        sector_size, characteristics, nullptr, nullptr, nullptr,  nullptr, nullptr,   nullptr};
    f->pMethods = nullptr;
    const std::string path = name != nullptr ? name : "";
    TestDisk& d = disk(vfs);
    if (!d.power_ || (!path.empty() && !d.exists(path) && (flags & SQLITE_OPEN_CREATE) == 0)) return SQLITE_CANTOPEN;
    auto file = path.empty() ? std::make_shared<File>() : d.file(path);
    self(f).disk = &d;
    self(f).file = new std::shared_ptr<File>(std::move(file));
    f->pMethods = &kMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int /*sync_directory*/) {
    if (!disk(vfs).operation()) return SQLITE_IOERR_DELETE;
    return disk(vfs).files_.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
  }
  static int access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* result) {
    *result = disk(vfs).exists(name) && !disk(vfs).read(name).empty() ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }
};

TestDisk::TestDisk() : name_("np2p-test-disk"), registered_(std::make_unique<Vfs>()) {
  sqlite3_initialize();
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  sqlite3_vfs& vfs = registered_->vfs;
  vfs = *system;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(OpenFile);
  vfs.pNext = nullptr;
  vfs.zName = name_.c_str();
  vfs.pAppData = this;
  vfs.xOpen = TestDiskCalls::open;
  vfs.xDelete = TestDiskCalls::remove;
  vfs.xAccess = TestDiskCalls::access;
  vfs.xFullPathname = TestDiskCalls::full_path;
  sqlite3_vfs_register(&vfs, 0);
}

TestDisk::~TestDisk() {
  sqlite3_vfs_unregister(&registered_->vfs);
}

bool TestDisk::operation() {
  if (power_ && countdown_ > 0 && --countdown_ == 0) power_ = false;
  return power_;
}

std::shared_ptr<TestDisk::File> TestDisk::file(const std::string& path) {
  auto& entry = files_[path];
  if (!entry) entry = std::make_shared<File>();
  return entry;
}

void TestDisk::restore_power(Rng& rng) {
  for (auto at = files_.begin(); at != files_.end();) {
    File& file = *at->second;
    const std::uint64_t mood = rng.below(4);  // nothing, everything, or a part of the late writes made it
    for (const Write& write : file.unsafe) {
      if (write.truncate) {
        if (mood != 0) file.safe.resize(write.offset);
        continue;
      }
      for (std::size_t begin = 0; begin < write.bytes.size(); begin += kSector) {
        const bool made_it = mood == 1 || (mood > 1 && rng.chance(1, 2));
        if (made_it) overwrite(file.safe, write.offset + begin, std::string_view(write.bytes).substr(begin, kSector));
      }
      file.safe_exists = file.safe_exists || mood != 0;
    }
    file.unsafe.clear();
    file.now = file.safe;
    at = file.safe_exists ? std::next(at) : files_.erase(at);
  }
  power_ = true;
  countdown_ = 0;
}

std::string TestDisk::read(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? std::string() : found->second->now;
}

void TestDisk::write(const std::string& path, const std::string& bytes) {
  File& entry = *file(path);
  entry.now = entry.safe = bytes;
  entry.safe_exists = true;
  entry.unsafe.clear();
}

namespace {

TEST(TestDisk, ForgetsWhatWasNotSynced) {
  std::size_t kept = 0;
  std::size_t lost = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    TestDisk disk;
    Rng rng(seed, "disk");
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2("a.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs().c_str()), SQLITE_OK);
    const char* sql =
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF; CREATE TABLE t(x); INSERT INTO t VALUES(1)";
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    disk.cut_power();
    sqlite3_close(db);
    disk.restore_power(rng);
    (disk.exists("a.db") ? kept : lost) += 1;
  }
  EXPECT_GT(kept, 0u);
  EXPECT_GT(lost, 0u);
}

TEST(TestDisk, KeepsWhatWasSyncedWhateverTheDiceSay) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    TestDisk disk;
    Rng rng(seed, "disk");
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2("a.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs().c_str()), SQLITE_OK);
    const char* sql = "PRAGMA synchronous=FULL; CREATE TABLE t(x); INSERT INTO t VALUES(1)";
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    disk.cut_power();
    sqlite3_close(db);
    disk.restore_power(rng);
    ASSERT_EQ(sqlite3_open_v2("a.db", &db, SQLITE_OPEN_READWRITE, disk.vfs().c_str()), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, "SELECT x FROM t", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
}

}  // namespace
}  // namespace np2p::test
