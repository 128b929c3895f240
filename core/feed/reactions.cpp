#include "core/feed/reactions.h"

#include <algorithm>
#include <utility>

#include "core/feed/packets.h"

namespace np2p {

bool Reactions::add(const EventPtr& event, MonoTime now, std::size_t followers) {
  const auto of_author = std::count_if(batch_.begin(), batch_.end(),
                                       [&](const EventPtr& other) { return other->pubkey == event->pubkey; });
  if (batch_.size() >= limits_.reaction_batch) return false;
  const std::size_t bytes = bytes_at_most(event.get());
  if (bytes > limits_.reaction_bytes || batch_bytes_ + bytes > limits_.reaction_batch_bytes) return false;
  if (static_cast<std::size_t>(of_author) >= limits_.reactions_of_one) return false;
  batch_.push_back(event);
  batch_bytes_ += bytes;
  if (due_) return true;
  due_ = std::max(now + limits_.reaction_pause, next_);
  next_ = *due_ + limits_.reaction_pause + limits_.reaction_pause_per_follower * static_cast<std::int64_t>(followers);
  return true;
}

std::vector<EventPtr> Reactions::take(MonoTime now, Store& store) {
  if (!due_ || now < *due_) return {};
  due_.reset();
  batch_bytes_ = 0;
  std::vector<EventPtr> batch = std::exchange(batch_, {});
  std::erase_if(batch, [&](const EventPtr& event) { return !store.contains(event->id); });
  return batch;
}

}  // namespace np2p
