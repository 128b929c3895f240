// How each kind travels, as one table: to whom an event of our own user goes, by its kind, its tags and the mode.
//
//   kind                            broadcast mode      follower mode   through the outbox, too
//   plain post, profile, BIND       everybody           followers
//   quote, repost                   everybody           followers       whom it quotes or reposts, whom it names
//   reply, mention (post with p)    everybody           followers       whom it names
//     with Replies::tagged          nobody              nobody          whom it names
//   reaction                        nobody              nobody          author of the target, whom it names
//   comment, zap, generic repost    followers           followers       whom it names, whom it reposts
//   encrypted message (kind 4)      nobody              nobody          whom it names
//   follow list                     nobody              nobody          and guardians, to keep (own_events.h)
//   deletion                        where all of what it deletes went; with `auto`, where that may have gone
//   other kinds                     followers           followers
//   ephemeral kinds                 followers           followers       never stored, not kept for who is away
//
// What is not here: a follow list drives FOLLOW and is served on request; a BIND also goes into the directory, and the
// first one from a new disk to everybody, because followers are not known there; the
// author of a reaction's target hands it on to those who follow him (reactions.h).
#pragma once

#include <set>

#include "core/base/config.h"
#include "core/event/event.h"
#include "core/host/store.h"

namespace np2p {

enum class Audience : std::uint8_t { nobody, followers, everybody };  // a later one includes those before

struct Route {
  Audience audience = Audience::nobody;
  std::set<PubKey> named;  // sent until they acknowledge it
  bool stored = true;      // and so kept for followers who are away
  friend bool operator==(const Route&, const Route&) = default;
};

// The route of an event of our own user, in that mode (mode.h): broadcast or multicast. What it is about, and what it
// deletes, is looked up in the store: ask before what it deletes is gone. What a deletion deletes and the store does
// not hold went as the k tags say, and without these as a plain post.
Route route_of(const Event& event, const Config& config, FeedMode mode, Store& store);

// Did an event of anybody, which the store holds, go to everybody, as far as can be told? Others' modes are not known,
// and their answers are judged by our own `replies`.
bool was_for_everybody(const Event& event, const Config& config, FeedMode mode, Store& store);

// Does the event name or cite our user, or may it have come through an outbox for another reason? Then its sender
// waits for our answer.
bool waits_for_us(const Event& event, const PubKey& owner, Store& store);

// What a reaction is a reaction to, if the store holds it; null for everything else.
EventPtr target_of(const Event& reaction, Store& store);

}  // namespace np2p
