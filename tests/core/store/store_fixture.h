// What the tests of the stores share: events made without the cost of signing (a store does not verify), a directory
// that goes away, and both stores behind one handle.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/event/canonical.h"
#include "core/event/validation.h"
#include "core/store/memory_store.h"
#include "core/store/sqlite_store.h"

namespace np2p::test {

inline PubKey user(unsigned number) {
  PubKey key;
  for (std::size_t i = 0; i < key.data.size(); ++i) {
    key.data[i] = static_cast<std::uint8_t>((number * 131 + i * 29 + number / 256) & 0xFF);
  }
  return key;
}

inline EventPtr made_event(const PubKey& author, std::uint16_t kind, std::int64_t created_at, std::string content,
                           Tags tags = {}) {
  Event event{.id = {},
              .pubkey = author,
              .created_at = created_at,
              .kind = kind,
              .tags = std::move(tags),
              .content = std::move(content),
              .sig = {}};
  event.id = compute_id(event);
  for (std::size_t i = 0; i < event.sig.data.size(); ++i) {
    event.sig.data[i] = static_cast<std::uint8_t>(event.id.data[i % 32] ^ i);
  }
  auto valid = ValidationGate::trusted(std::move(event));
  NP2P_ASSERT(valid.ok());
  return std::move(valid).value();
}

inline Tags tags_of(std::initializer_list<std::initializer_list<std::string_view>> list) {
  Tags tags;
  for (const auto& tag : list) tags.add(tag);
  return tags;
}

inline std::vector<EventId> ids_of(const std::vector<EventPtr>& events) {
  std::vector<EventId> ids;
  for (const EventPtr& event : events) ids.push_back(event->id);
  return ids;
}

// A filter in one expression: Where().authors({user(1)}).limit(2).
class Where {
 public:
  Where& ids(std::vector<EventId> list) { return filter_.ids = std::move(list), *this; }
  Where& authors(std::vector<PubKey> list) { return filter_.authors = std::move(list), *this; }
  Where& kinds(std::vector<std::uint32_t> list) { return filter_.kinds = std::move(list), *this; }
  Where& tag(char name, std::vector<std::string> list) {
    return filter_.tags.emplace_back(name, std::move(list)), *this;
  }
  Where& since(std::int64_t time) { return filter_.since = time, *this; }
  Where& until(std::int64_t time) { return filter_.until = time, *this; }
  Where& search(std::string words) { return filter_.search = std::move(words), *this; }
  Where& limit(std::size_t count) { return filter_.limit = count, *this; }
  operator const Filter&() const noexcept { return filter_; }  // NOLINT: implicit by design

 private:
  Filter filter_;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "np2p-store-XXXXXX").string();
    NP2P_ASSERT(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

enum class Kind { memory, sqlite };

// One store of either kind, with the host's part of its work.
class AnyStore {
 public:
  AnyStore(Kind kind, const Limits& limits) : kind_(kind), limits_(limits) { start(); }

  [[nodiscard]] Store& store() {
    if (memory_) return *memory_;
    return *sqlite_;
  }
  // What a disk does: everything flushed so far is safe.
  Ticket save() {
    if (memory_) {
      const Ticket ticket = memory_->commit();
      memory_->mark_durable(ticket);
      return ticket;
    }
    const auto ticket = sqlite_->commit();
    NP2P_ASSERT(ticket.ok() && sqlite_->sync().ok());
    sqlite_->mark_durable(*ticket);
    return *ticket;
  }
  // An orderly end and a new start; memory has nothing to start from and just goes on.
  void restart() {
    if (sqlite_) start();
  }

 private:
  void start() {
    if (kind_ == Kind::memory) {
      memory_ = std::make_unique<MemoryStore>(limits_);
      return;
    }
    sqlite_.reset();
    auto opened = SqliteStore::open(directory_.file("store.db"), limits_);
    NP2P_ASSERT(opened.ok());
    sqlite_ = std::move(opened).value();
  }
  Kind kind_;
  Limits limits_;
  TemporaryDirectory directory_;
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<SqliteStore> sqlite_;
};

}  // namespace np2p::test
