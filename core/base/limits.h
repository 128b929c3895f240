// Every bound of the system in one place, with its unit and its reason. A test may lower one; at its start a server
// takes some of them from its configuration ([limits], realnet/cli/limit_keys.h), within what the others leave room
// for; later nothing changes one. What a peer or a client can grow is bounded by a number on this page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/client_limits.h"
#include "core/base/time.h"

namespace np2p {

struct Limits {
  // --- events
  // One event, as event_json() writes it; every other encoding of ours is shorter. A list has more room: a follow list
  // has a tag of 72 bytes for each followed user. Lists are kind 3 and the lists and sets of NIP-51 (kind::is_list());
  // a long article is none. Both bounds hold for what comes in; what a store has is served, whatever its size.
  std::size_t event_bytes = 64 * 1024;
  std::size_t event_tags = 2000;  // tags of one event
  std::size_t list_bytes = 256 * 1024;
  std::size_t list_tags = 3500;
  std::size_t tag_values = 64;        // values of one tag
  Duration future_tolerance = 15min;  // created_at may lead our wall clock by this much over the network
  // --- frames and packets
  // One frame between servers, refused from its prefix: the largest event, and what it is wrapped in.
  std::size_t frame_bytes = 320 * 1024;
  std::size_t packet_events = 512;   // events in one packet
  std::size_t packet_requests = 16;  // requests in one packet
  std::size_t msgpack_depth = 8;     // nesting of any msgpack value
  // --- links
  std::size_t links = 256;                     // open links of one node, both directions
  std::size_t queued_bytes = 4 * 1024 * 1024;  // unsent bytes on one link before it is closed as a slow reader
  // Forged and malformed payloads, messages of no known type: a link that is to blame for this many is closed; one is
  // forgiven each fault_forgiven.
  std::uint32_t link_faults = 20;
  Duration fault_forgiven = 30s;
  std::uint32_t link_events_per_second = 500;  // events from one link, and their burst; charged before decoding
  std::uint32_t link_events_burst = 2000;
  // --- mesh baseline (weaveworks/mesh as the original configures it)
  std::size_t mesh_connections = 64;  // ConnLimit: the 66th server finds every door closed
  std::size_t mesh_peers = 4096;      // peers in the topology; far above what mesh can carry
  std::size_t mesh_targets = 8192;    // addresses to dial; a liar may fill the topology with invented ones
  std::size_t mesh_text_bytes = 255;  // a name, an address or a feature inside a mesh message
  std::size_t mesh_recent = 4096;     // messages of unknown channels remembered for half a minute
  // --- scalable overlay
  std::size_t standing_links = 250;  // of `links`; what comes in beyond is closed as crowded
  std::size_t guest_links = 80;      // of these, links that only the other side uses: a newcomer takes the place of one
  Duration introduction = 10s;       // a link without a Hello is closed after this
  std::uint32_t link_messages_per_second = 200;  // from one link, and their burst; beyond they are dropped and counted
  std::uint32_t link_messages_burst = 2000;
  std::size_t recent_payloads = 20'000;                 // broadcasts whose ids are remembered, against repetition
  std::size_t recent_payload_bytes = 16 * 1024 * 1024;  // of the payloads kept for those who missed them
  std::size_t missing_payloads = 1024;                  // announced, not here yet
  std::uint32_t pulled_bytes_per_second = 64 * 1024;    // sent again over one link because the peer asked for it
  std::uint32_t pulled_bytes_burst = 1024 * 1024;       // and their burst; what is over it is refused
  std::size_t directory_records = 20'000;               // kept for others; a newcomer without room is refused
  std::size_t claims = 3;                               // nodes that claim to serve one user; the oldest stays first
  Duration claim_life = 24h;                            // a claim keeps its place for this long without a CONTACT
  std::size_t directory_binds = 20'000;                 // BINDs kept for others; that farthest from us makes room
  std::size_t directory_guardians = 20'000;             // records of guardians kept for others
  std::size_t evidence = 64;                            // pairs that prove equivocation, kept to be shown
  Duration contact_life = 2h;                           // of a CONTACT; published again at half of it
  std::size_t pending_queries = 512;                    // of others, whose answers are handed back, and of ours
  // Where others are. Those whom our user follows, and who follow, are remembered beside these (`follows`,
  // `followers`); of the others the one unused longest makes room.
  std::size_t contacts = 4096;
  std::size_t lookups_open = 256;  // of our own
  // Of those who follow, and of whom we do not know where they are, as after a start: some 300 bytes each.
  std::uint32_t lookup_turns_per_second = 100;
  std::size_t replay_windows = 1024;  // sources of routed messages
  std::uint8_t hops = 12;             // of a routed message
  std::size_t address_book = 256;     // reachable peers remembered on disk
  // --- what was broadcast earlier, for those who were away or cut off
  std::size_t history_events = 1000;  // the newest so many are remembered, 12 bytes each,
  Duration history_age = 24h;         // unless they are older than this
  // Over one link, for each direction: lists of ids, and events that one side lacks. What is over it waits.
  std::uint32_t history_bytes_per_second = 32 * 1024;
  std::uint32_t history_bytes_burst = 256 * 1024;
  std::uint32_t history_upload_per_second = 128 * 1024;  // events for all who lack some
  std::uint32_t history_upload_burst = 1024 * 1024;
  std::size_t history_asked = 32;          // events asked for at once over one link
  std::size_t history_serving = 64;        // asked for by one peer and not sent yet; more are refused
  std::size_t spread_receivers = 200'000;  // of copies whose receipts are awaited
  std::size_t spreads = 1024;              // copies whose receipts are gathered for the sender
  // --- followers in cells
  std::size_t direct_copies = 32;  // receivers of one payload up to which their author sends all copies itself
  std::size_t cells = 48;          // of our followers
  std::size_t cell_members = 48;   // up to so many followers in each there are more cells instead of larger ones
  std::size_t cell_fanout = 48;    // copies of one payload that a head sends; of a larger cell others send them
  std::size_t onward_links = 128;  // of who leads cells, with heads of their parts and with relays
  std::size_t cells_led = 256;     // of others, as head or backup
  std::size_t cells_of_one = 8;    // of these, of one node
  std::size_t led_bytes = 4 * 1024 * 1024;       // of their lists of members
  Duration cell_lease = 1h;                      // a cell that nothing comes for is forgotten
  std::size_t led_copies = 256;                  // payloads whose receipts a head gathers, for a minute
  std::size_t led_copy_bytes = 8 * 1024 * 1024;  // of these
  // --- links through NATs
  std::size_t tunnels = 16;           // of ours, being established included; a peer has one
  std::size_t ladder_links = 24;      // links at our wish for bulk and conversations, attempts included
  std::size_t link_askers = 128;      // who asked for a link lately, to be fair; the one longest ago makes room
  std::size_t talking = 256;          // users whose messages are counted, to see who keeps talking
  std::size_t waiting_payloads = 64;  // large unicasts that wait for a link
  std::size_t waiting_bytes = 4 * 1024 * 1024;         // of these
  std::size_t relay_slots = 128;                       // tunnels that we carry for others
  std::size_t relay_slots_per_client = 8;              // of one neighbour
  std::size_t relay_slots_per_address = 32;            // of all neighbours at one IP address
  std::uint32_t relay_client_bytes_per_s = 32 * 1024;  // of one neighbour behind NAT, and its burst
  std::uint32_t relay_client_burst = 1024 * 1024;
  // --- feed
  std::size_t recent_ids = 100'000;             // event ids remembered for duplicate suppression
  std::size_t answered_events = 100;            // events in the answer to a request for everything recent
  Duration answered_age = 3 * 24h;              // and how old they may be
  std::uint32_t link_requests_per_second = 10;  // requests from one link, and their burst
  std::uint32_t link_requests_burst = 100;
  // Our own messages over one link, which brings those of all who are behind it: the followers of a busy author come
  // over a few relays.
  std::uint32_t link_extensions_per_second = 100;
  std::uint32_t link_extensions_burst = 2000;
  // Of these, from whom the overlay has not found to serve the user it names: once it has, the message comes again.
  std::uint32_t link_unproven_per_second = 20;
  std::uint32_t link_unproven_burst = 400;
  // And from one server that is proven, so that one that floods leaves room for others behind the same relay: a busy
  // author leaves its guardians some ten a second. Remembered of `askers`.
  std::uint32_t source_extensions_per_second = 20;
  std::uint32_t source_extensions_burst = 400;
  // Bytes of events that requests are answered with: one answer, and what goes to the askers over one link and to one
  // asker (on the mesh a claim, so that nobody is buried in what he never asked for). Nothing is answered while more
  // than answer_queue_bytes wait on the link.
  std::size_t answered_bytes = 160 * 1024;
  std::uint32_t link_answer_bytes_per_second = 32 * 1024;
  std::uint32_t link_answer_bytes_burst = 640 * 1024;
  std::uint32_t asker_answer_bytes_per_second = 16 * 1024;
  std::uint32_t asker_answer_bytes_burst = 320 * 1024;
  std::size_t askers = 4096;  // remembered for that; the one who came first makes room
  std::size_t answer_queue_bytes = 256 * 1024;
  std::size_t unacknowledged = 20'000;  // events and FOLLOWs to be acknowledged once the disk has them
  std::size_t lookups = 10'000;         // remembered network requests of our client
  Duration lookup_interval = 1h;        // the same thing is asked for at most this often while we hold a copy
  Duration lookup_retry = 5s;           // and this often while we hold none
  // Servers asked for an event whose author is not said, and their burst: at most 8 for one.
  std::uint32_t guesses_per_second = 8;
  std::uint32_t guesses_burst = 256;
  Duration refresh_age = 24h;            // a profile or follow list older than this is asked for again
  std::size_t recent_requests = 10'000;  // request ids remembered, likewise
  std::size_t outbox_entries = 10'000;   // events waiting for a recipient who is away
  Duration outbox_horizon = 7 * 24h;     // then given up, with a counter
  Duration outbox_first_retry = 30s;     // doubles up to outbox_max_retry, jittered by +-20 %
  Duration outbox_max_retry = 1h;        // some 170 sends of an event to a server that never acknowledges
  std::size_t followers = 1'000'000;     // registered followers of one user
  std::size_t follows = 10'000;          // users one user follows
  Duration follow_lease = 24h;           // a FOLLOW not renewed for this long is forgotten
  std::size_t follower_history = 50;     // recent posts that a new follower gets
  std::size_t stream_events = 20'000;    // of our user's stream, whose numbers are remembered
  std::size_t heard_events = 128;        // likewise of the stream of each followee, to serve others
  std::size_t ahead_events = 256;        // of each followee, ids of what came while something before it is missing
  // Pulls: what one of them is answered with, and what one asker gets.
  std::size_t pulled_bytes = 512 * 1024;
  std::uint32_t puller_bytes_per_second = 64 * 1024;
  std::uint32_t puller_bytes_burst = 4 * 1024 * 1024;
  // Anybody may follow, as many as he likes to pose as: bytes of history to all followers together.
  std::uint32_t follower_bytes_per_second = 256 * 1024;
  std::uint32_t follower_bytes_burst = 16 * 1024 * 1024;
  // Bytes of answers to FOLLOW. To one follower: a few with all that is recent (some 2 kB each), then a short one (300
  // bytes) each five seconds at most; whoever says FOLLOW oftener is not heard. To all who are registered: 100,000 who
  // find their author's server back are answered within two minutes. To all newcomers, who may be one attacker with
  // many keys: some 1,000 at once with what is recent or 6,000 without, then some 40 a second, and below half of the
  // burst all are answered without.
  std::uint32_t follow_answer_bytes_per_second = 64;
  std::uint32_t follow_answer_bytes_burst = 16 * 1024;
  std::uint32_t renewal_bytes_per_second = 64 * 1024;
  std::uint32_t renewal_bytes_burst = 8 * 1024 * 1024;
  std::uint32_t newcomer_bytes_per_second = 12 * 1024;
  std::uint32_t newcomer_bytes_burst = 2 * 1024 * 1024;
  // --- mail for followers who are away (core/feed/guardians.h)
  // Of those whom followers name as their guardians is asked whether they agree (core/feed/consents.h): messages to all
  // of them, and guardians asked because of one follower, who may name others all the time.
  std::uint32_t consents_per_second = 50;
  std::uint32_t consents_burst = 500;
  std::uint32_t consents_of_one_per_hour = 6;
  std::uint32_t consents_of_one_burst = 30;
  std::size_t consents = 4096;  // questions that are open, and refusals that hold; these make room first
  std::size_t wards = 64;       // users for whom we keep mail; those whom ours does not follow have half of the places
  std::size_t ward_letters = 12'000;                 // kept for one of them,
  std::size_t ward_mail_bytes = 16 * 1024 * 1024;    // in all
  unsigned sender_share_percent = 50;                // of both, from one author
  std::size_t letters = 100'000;                     // kept for all wards
  std::size_t mail_bytes = 256 * 1024 * 1024;        // in all
  std::size_t letter_bytes = 288 * 1024;             // one; more than an event and what it is wrapped in
  Duration ward_life = 30 * 24h;                     // after the ward's last sign of life its mail is given up
  std::size_t guardian_record_bytes = 512;           // what a ward's guardians put into the directory for it
  std::size_t follow_filter_bytes = 8 * 1024 + 8;    // by which they know whose mail it wants
  std::uint32_t sender_mail_per_second = 32 * 1024;  // bytes of mail from one author, and their burst
  std::uint32_t sender_mail_burst = 2 * 1024 * 1024;
  std::size_t mail_senders = 1024;                     // remembered for that; the one who came first makes room
  std::size_t mail_ranges = 4096;                      // in one list of mail; what is beyond comes the next time
  std::size_t mail_part_letters = 256;                 // in one message to a ward
  std::size_t mail_part_bytes = 96 * 1024;             // likewise; one letter always fits
  std::size_t mail_window = 1024 * 1024;               // bytes sent to a ward that it has not taken yet
  std::uint32_t ward_answers_per_second = 256 * 1024;  // bytes sent to one ward, and their burst
  std::uint32_t ward_answers_burst = 8 * 1024 * 1024;  // half a mailbox: two guardians can bring all of one
  std::size_t unposted = 4096;                         // payloads that an author has not been able to leave yet
  std::size_t unposted_bytes = 16 * 1024 * 1024;       // in all, and as much again for what was sent lately
  // Reactions to our user's posts go to the followers in batches: so many, and so many of one author; the first after
  // a pause, the next after that and more for each follower (100 s with 100,000).
  std::size_t reaction_batch = 100;
  std::size_t reactions_of_one = 10;
  std::size_t reaction_bytes = 2 * 1024;         // of one that is handed on
  std::size_t reaction_batch_bytes = 32 * 1024;  // of all in a batch
  Duration reaction_pause = 2s;
  Duration reaction_pause_per_follower = 1ms;
  // --- store
  // Of others than the owner and the writers, whose own events have no bound but the disk (core/store/retention.h).
  std::size_t stored_events = 100 * 1024;        // as the original
  std::size_t stored_bytes = 256 * 1024 * 1024;  // some 2.5 kB each; what it takes on the disk is about as much
  // Of both, what each class of others has for itself; the rest, 60 %, is of those whom the owner follows. They add up
  // to 100 at most. Anybody may follow, so followers have no more: profile, follow list, relay list and BIND of some
  // 3,800.
  unsigned stranger_share_percent = 10;
  unsigned trusted_share_percent = 5;
  unsigned mention_share_percent = 5;
  unsigned sealed_share_percent = 5;
  unsigned follower_share_percent = 15;
  unsigned one_author_percent = 10;       // of the share of mentions, for one author
  std::size_t listing_candidates = 2000;  // newest events that name an author, among which is looked for follow lists
  Duration unflushed = 1s;                // what nobody waits for is made durable within this,
  Duration unreceipted = 250ms;    // and what heads of cells wait to hear of (core/overlay/swarm/cell_heads.h) in this
  std::size_t banned = 10'000;     // keys and ids that the owner refuses
  std::size_t node_values = 1000;  // named values of the node's own; other tables have the bounds of what they keep
  std::size_t unsafe_writes = 100'000;  // writes that the disk has not taken yet, remembered to undo or repeat them
  // --- clients
  std::size_t filter_values =
      20'000;                      // ids, authors, kinds and tag values of one filter; a home feed names all follows
  std::size_t search_bytes = 512;  // of the text of a search
  std::size_t search_candidates = 20'000;  // found by their words; the one stored last first
  std::size_t query_events = 5000;         // events in one answer
  std::size_t pending_publishes = 10'000;  // accepted but not yet durable
  ClientLimits client;
};

}  // namespace np2p
