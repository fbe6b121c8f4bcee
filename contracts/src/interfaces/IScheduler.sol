// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.28;

/// @title The Gadus scheduler
/// @notice Escrow, assignment by lot, sealed commitments, verdicts, disputes, and the reputation of clients and nodes.
/// @dev The contract stores two slots for a job while it lives (a packed word and the hash of its roster) and, until the last one
/// comes in, one slot for each posted commitment. Everything else comes back as calldata: every call repeats the request, whose
/// EIP-712 digest is the job's id, and the roster, whose hash is stored. In Assigned the roster is a `Seat[]`; from Committed on it is
/// a `SealedSeat[]`, the same seats with their commitments. A step that belongs to a party takes that party's signature, so anyone may
/// carry it; where `msg.sender` is the party, an empty signature does. A contract acts by calling, or by EIP-1271 with at most 100,000 gas.
///
/// A window is open up to and including its last second; what may happen after it may happen from the next second on.
///
/// Assumptions about the coin: it reverts or returns false on failure, does not take a fee, does not rebase, and its supply is below
/// 2^88 units. `GadusCoin` meets them. One that takes a fee is refused. It is called last in every function (its permit
/// first), and never to end a job except to burn, which may fail.
///
/// There is no owner, no proxy, no pause. Coin that is slashed goes to the wronged party; where there is none, it is burnt: sent to
/// 0x00..dEaD, which works with every ERC-20, so that no job can hang on a coin without `burn`.
///
/// Who ends up with what, of an escrow of (replicas + 1) * maxPrice from the client and a stake from each node:
///
/// | a replica that                        | is paid | loses                       | is rated         |
/// |---------------------------------------|---------|-----------------------------|------------------|
/// | agreed                                | price   | nothing                     | good 1 (alone: 1/4) |
/// | deviated                              | nothing | nothing                     | bad 4            |
/// | contested and deviated                | nothing | its bond                    | bad 8            |
/// | deviated in a widened job from seats that outnumber the deviating | nothing | CHECK_BPS of its stake, and its bond | bad 8 |
/// | did not commit, or had to open and did not | nothing | NO_SHOW_BPS of its stake | bad 2         |
/// | opened where there is no majority     | nothing | nothing                     | not              |
/// | signed two commitments or two sets, or claimed input it did not hold | nothing | its stake and its bond | bad 8 |
///
/// | a client that                                 | loses         | is rated |
/// |-----------------------------------------------|---------------|----------|
/// | settled in time                               | nothing       | good 1   |
/// | rejected a seat that the majority contains    | its bond, shared by the seats it wronged | bad 8 |
/// | was silent                                    | its bond, shared by the seats that agreed; burnt if there are none | bad 4 |
/// | cancelled, or let expire, once the seed was known | nothing   | bad 1    |
///
/// What nodes lose goes to the client, but in a dispute the client lost to the seats it wronged (a client shall not gain by provoking
/// disputes), and where the client was silent or there is no majority it is burnt. The stake of a node that signed two commitments goes
/// to the seats that agreed (or were wronged), never to the client, who may have put the node up to it; it is burnt if there are none.
///
/// Widening. A job of k seats, 7 at most, that have all committed can be widened once to 2k + 1 seats, the newcomers drawn by a new seed:
/// by `audit` (one seat, drawn for a check by chance) or by `summon` (the opened sketches have no majority). Whoever calls it locks
/// (k + 1) * maxPrice for the newcomers. Those that agree are paid from that; the rest comes back. What seats lose for deviating in a
/// widened job goes first to the caller, for what the newcomers cost; then a tenth of it to the caller, as informer; the remainder is
/// burnt, so that nobody gains more by having a seat convicted. A client that is at fault, and a seat that did not agree, called in
/// vain: it bears the cost, and has no share.
interface IScheduler {
    /* TYPES */

    /// @dev Order is part of the ABI.
    enum State { None, Open, Assigned, Committed, Contestable, Contested, Settled, Cancelled, Expired, Widening }

    /// @dev How replicas are compared when the contract must decide: sketch distance, equality of result digests, or not at all.
    enum Policy { Trace, Exact, None }

    /// @dev How a replica ended. Two bits each in `Settled.verdicts`.
    enum ReplicaVerdict { Undecided, Agreed, Deviated, Absent }

    struct JobRequest {
        address client;
        /// Chosen by the client; makes the id unique.
        uint64 nonce;
        /// SHA-256 of the canonical spec.
        bytes32 specDigest;
        /// k, 1 to 15.
        uint8 replicas;
        uint8 policy;
        /// Highest price of one replica.
        uint88 maxPrice;
        /// Stake locked for one replica; at least maxPrice.
        uint88 stake;
        /// Lowest score of a node, basis points.
        uint16 minScore;
        /// Seconds; each at least MIN_WINDOW and at most MAX_WINDOW.
        uint32 assignWindow;
        uint32 commitWindow;
        uint32 settleWindow;
        uint32 disputeWindow;
        /// X25519 key that evidence is sealed to.
        bytes32 sealKey;
        /// keccak256(abi.encode(bytes32 secret, uint16 auditBps)): the secret draws probes and audits, auditBps is the chance of an audit in
        /// basis points. Both stay hidden until the commitments are closed.
        bytes32 secretHash;
        /// A bid counts only if its key in the draw is at most this, widened with time; zero: every bid counts. See `reachOf`.
        uint256 reach;
        /// `assign` only after the block seedBlock + bidBlocks: time for a node that the client leaves out to post its own bid.
        uint16 bidBlocks;
        /// In how many shards the job's work is cut, at least 1. A commitment covers a sketch for each.
        uint32 shards;
        /// Root of the possession tree over the inputs; zero: no bid may claim to hold input.
        bytes32 dataRoot;
        /// Bytes under dataRoot; not zero where dataRoot is not.
        uint64 dataBytes;
    }

    struct Bid {
        address node;
        uint88 price;
        /// Share of the input held, basis points. It counts only with a possession.
        uint16 locality;
        /// Zero: no claim. Else bytes16(keccak256(abi.encode(raw, node))), where raw is the keccak256 of the eight chunks that the seed picks:
        /// chunk uint256(keccak256(abi.encode(seed, i))) % chunks for i = 0 to 7. `proveFalseClaim` says what a false one costs.
        bytes16 possession;
        /// The node's over Bid(jobId, node, price, locality, possession, seed, round), or empty if the node calls. `seed` is the draw's seed
        /// where possession is not zero, else zero; `round` is 0, or 1 in Widening: a bid is good for one draw, and a claim for one seed.
        /// A claim takes the signature of the node's key, neither a wallet's nor none: a wallet could deny a false claim later.
        bytes signature;
    }

    struct Seat {
        address node;
        uint88 price;
    }

    /// @dev A seat once commitments are closed; zero where none was posted.
    struct SealedSeat {
        address node;
        uint88 price;
        bytes32 commitment;
    }

    struct SignedCommitment {
        uint8 index;
        /// keccak256(abi.encode(jobId, node, resultDigest, evidenceDigest, sketchRoot, salt)), sketchRoot being that of a Merkle tree over
        /// the shards' sketches: leaf = keccak256(sketch), inner = keccak256(0x01 || left || right), padded with zero leaves to the next
        /// power of two. Of one shard it is keccak256(sketch).
        bytes32 commitment;
        /// The node's over Commitment(jobId, node, commitment), or empty if the node calls.
        bytes signature;
    }

    struct Opening {
        uint8 index;
        bytes32 resultDigest;
        bytes32 evidenceDigest;
        bytes32 salt;
        /// Of the shard that is opened.
        bytes sketch;
        /// From its leaf up, as many as the tree is high.
        bytes32[] proof;
    }

    /// @dev Something a node signed about its commitment.
    struct Pledge {
        /// Whether a whole set was signed, or the node's own commitment.
        bool isSet;
        /// One for every seat, or the node's own.
        bytes32[] commitments;
        /// The node's over CommitmentSet(jobId, setDigest) or Commitment(jobId, node, commitment).
        bytes signature;
    }

    /// @dev An EIP-2612 permit of the client's for the scheduler.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @dev One slot. `good` and `bad` are decayed beta counts with 8 fractional bits; `day` is unix time / 1 days of their last
    /// decay; `since` the unix second of the last deposit of stake (nodes) or of the first funding (clients).
    struct Party {
        uint88 free;
        uint88 locked;
        uint16 good;
        uint16 bad;
        uint16 day;
        uint32 since;
    }

    /// @dev First slot packed. Masks have one bit per seat.
    struct Job {
        State state;
        /// Block whose hash seeds the draw.
        uint48 seedBlock;
        /// Unix second at which the current state was entered.
        uint40 since;
        uint16 committed;
        /// The client's verdict.
        uint16 agreed;
        uint16 opened;
        uint16 contested;
        /// Proven to have signed two commitments, or to have claimed input it did not hold.
        uint16 equivocated;
        /// Which shard the client's verdict lets be opened.
        uint32 shard;
        /// How many posted bids are kept.
        uint8 posted;
        /// 0: not widened yet. Else who called for it, 1 for the client, 2 + i for seat i; plus 128 once it came to nothing.
        uint8 widening;
        /// By how many blocks the seed of the first draw is older than that of seedBlock; zero before a widening.
        uint32 seedsApart;
        /// Of the Seat[] in Assigned, of the SealedSeat[] from Committed on; zero before and after.
        bytes32 rosterHash;
    }

    /* EVENTS */

    event Registered(address indexed node, uint88 amount, bytes profile);
    event Funded(address indexed client, uint88 amount);
    event Withdrawn(address indexed party, bool indexed asNode, address to, uint88 amount);
    /// @dev Carries the whole request: with it anyone can rebuild every later call.
    event Submitted(bytes32 indexed jobId, address indexed client, JobRequest request, uint48 seedBlock);
    event Assigned(bytes32 indexed jobId, Seat[] roster);
    /// @dev A bid that is kept: `key` is among the smallest posted so far, as many as there are seats to draw. `round` as in the bid.
    event BidPosted(bytes32 indexed jobId, uint8 round, uint256 key, Bid bid);
    event CommitmentPosted(bytes32 indexed jobId, uint8 index, bytes32 commitment);
    event CommitmentsClosed(bytes32 indexed jobId, uint16 committed);
    /// @dev All commitments at once, in order of seat, in the place of any posted before.
    event SetPosted(bytes32 indexed jobId, bytes32[] commitments);
    event EquivocationProven(bytes32 indexed jobId, uint8 index);
    event FalseClaimProven(bytes32 indexed jobId, uint8 index);
    /// @dev Committed or Contested -> Widening. Verdict, contests and openings are void; bonds of contestants are free again.
    event WideningCalled(bytes32 indexed jobId, address indexed caller, bool audit, uint48 seedBlock);
    /// @dev Widening -> Assigned, with the whole roster: the first seats, whose commitments stand, and the newcomers.
    event Widened(bytes32 indexed jobId, Seat[] roster);
    event VerdictPosted(bytes32 indexed jobId, uint16 agreed, uint32 shard, bytes32 reportDigest);
    event VerdictContested(bytes32 indexed jobId, uint8 index);
    event SketchOpened(bytes32 indexed jobId, Opening opening);
    /// @dev `verdicts` holds a ReplicaVerdict in two bits per seat, seat 0 lowest; `paid` is the sum of the prices paid to nodes;
    /// `slashed` the sum taken from stakes and bonds.
    event Settled(bytes32 indexed jobId, uint32 verdicts, uint256 paid, uint256 slashed);
    event Cancelled(bytes32 indexed jobId);
    event Expired(bytes32 indexed jobId);
    /// @dev Emitted when a reputation falls. That it rises is in `Settled`: one good for every seat that agreed (a quarter where there is
    /// but one), and for the client if no bond of its own was slashed.
    event Rated(address indexed party, bool indexed asNode, uint16 good, uint16 bad);

    /* ERRORS */

    error WrongState(State actual);
    error TooEarly(uint256 deadline);
    error TooLate(uint256 deadline);
    /// @dev `field` counts the members of JobRequest from 0.
    error BadRequest(uint8 field);
    error BadSignature(address expected);
    error BadRoster();
    error BadIndex(uint8 index);
    /// @dev Bids not strictly ascending by node, or openings that are not exactly the opened ones in order of seat.
    error BadOrder();
    error AlreadyCommitted(uint8 index);
    error NotCommitted(uint8 index);
    error BadOpening(uint8 index);
    error NotRejected(uint8 index);
    error BadVerdict(uint16 agreed, uint16 committed);
    error NotEnoughBids(uint256 eligible, uint256 needed);
    error TooManyBids(uint256 count);
    error SeedNotYet(uint256 seedBlock);
    error SeedGone(uint256 seedBlock);
    /// @dev A posted bid is not among those of the assignment, with the terms it was posted with.
    error BidLeftOut(address node);
    /// @dev The time to post bids ended with this block.
    error PostingOver(uint256 lastBlock);
    /// @dev A bid to post that `assign` would pass over, or beyond reach.
    error BidIneligible(address node);
    error BadShard(uint32 shard);
    error BadSecret();
    /// @dev The secret does not draw this job for an audit.
    error NotDrawn();
    /// @dev More than 7 seats, or one seat too many for an audit; a seat without commitment or opening; a policy that compares nothing;
    /// or widened before.
    error NotWidenable();
    /// @dev The openings have a majority: `resolve` can judge.
    error MajorityFound();
    /// @dev Not under dataRoot, of a wrong length, or not eight.
    error BadChunk(uint256 index);
    error NoFalseClaim();
    error NoEquivocation();
    /// @dev The coin took a fee.
    error CoinShort(uint256 received, uint256 expected);
    error InsufficientFunds(uint256 available, uint256 needed);
    error AmountTooLarge();

    /* PARTIES */

    /// @notice Adds `amount` of the caller's coin to its node stake. `profile` is opaque to the contract (peer id, engines) and only emitted.
    /// A node cannot win jobs submitted before its last deposit: else stake could be moved to wherever a known seed favours it.
    function register(uint88 amount, bytes calldata profile) external;

    /// @notice Adds `amount` of the caller's coin to `client`'s purse.
    function fund(address client, uint88 amount) external;

    /// @notice Takes free coin out of the caller's node stake or client purse. The one way out for coin.
    function withdraw(bool asNode, address to, uint88 amount) external;

    /* THE LIFE OF A JOB */

    /// @notice None -> Open. Locks replicas * maxPrice plus a bond of one maxPrice from the client's purse; what the purse lacks is
    /// pulled from the client's coin by allowance. The seed is the hash of the block SEED_DELAY after this one (on Filecoin: the
    /// drand beacon of that epoch).
    /// @param signature The client's over the request, or empty if the client calls.
    function submit(JobRequest calldata request, bytes calldata signature) external returns (bytes32 jobId);

    /// @notice `submit` for a client without allowance: its permit is used first. A permit that fails is passed over, for whoever saw it
    /// may have used it already; what counts is the allowance.
    function submitWithPermit(JobRequest calldata request, bytes calldata signature, Permit calldata permit) external returns (bytes32 jobId);

    /// @notice Open -> Open, once the seed is known and up to the block seedBlock + bidBlocks. Keeps bids so that the client cannot leave them out:
    /// of all that are posted the `replicas` with the smallest keys, one of a node. Or Widening -> Widening: those of the newcomers, until
    /// `drawMore` is possible. Each must be one that the draw would not pass over. One that is no better than those kept is skipped.
    ///
    /// A bid that is kept binds: the job's stake is locked until the draw, or until a better bid takes its place or the job is over; its node
    /// can post a better one, not a worse one; and in the draw it has the key it was posted with (its first 25 bits), whatever became of its
    /// node's stake and score. Else a node could keep others off with terms it does not mean, or a claim, and then make way for a friend.
    ///
    /// With a reach there is more time, up to the end of the window, as long as fewer are kept that could win by now than there are seats;
    /// what a node posts then, or has posted before, stands.
    /// @param roster Empty in Open. In Widening the seats that are there, whose nodes cannot win another.
    function postBids(JobRequest calldata request, Seat[] calldata roster, Bid[] calldata bids) external;

    /// @notice Open -> Assigned, after the block seedBlock + bidBlocks. Draws `replicas` of the bids with probability linear in weight and
    /// locks their stakes. Bids stand in strictly ascending order of node, 16 at most, each with a valid signature, and every kept posted
    /// bid is among them (its signature was checked when it was posted, and is not again). Bids of nodes that deposited stake after
    /// the submit, whose score is too low, whose free stake is too small, whose price is above maxPrice, whose locality is above 10,000
    /// or whose key is beyond reach are passed over; of those that are kept, only for their key. Seats stand in the order of the draw.
    /// @param signature The client's over Assignment(jobId, bidsHash), or empty if the client calls.
    function assign(JobRequest calldata request, Bid[] calldata bids, bytes calldata signature) external;

    /// @notice Assigned -> Assigned, or -> Committed with the last one. Any number of commitments, each signed by its seat's node. One that
    /// is posted already is passed over; another one for the same seat is refused.
    function commit(JobRequest calldata request, Seat[] calldata roster, SignedCommitment[] calldata commitments) external;

    /// @notice Committed -> Settled when `agreed` names every committed seat, else Committed -> Contestable. Within settleWindow.
    /// @param agreed Bit i set: seat i agreed. A subset of the committed seats.
    /// @param shard Which shard is opened if a rejected seat contests.
    /// @param reportDigest Digest of the client's comparison, for the record.
    /// @param signature The client's over Verdict(jobId, setDigest, agreed, shard, reportDigest), setDigest being keccak256(abi.encode(roster)),
    /// or empty if the client calls.
    function settle(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external;

    /// @notice Assigned -> Settled when `agreed` names every seat, else Assigned -> Contestable: commitments and verdict in one message, if
    /// every seat has signed that these are all commitments there will be. Within commitWindow. What was posted one by one gives way.
    /// @param roster The drawn seats, each with its commitment.
    /// @param signatures Of seats in order, over CommitmentSet(jobId, setDigest).
    /// @param signature As for `settle`.
    function settleDirect(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        bytes[] calldata signatures,
        uint16 agreed,
        uint32 shard,
        bytes32 reportDigest,
        bytes calldata signature
    ) external;

    /// @notice Assigned -> Committed, within commitWindow, with all commitments at once under the signatures of all seats over the set; or in
    /// Committed, within settleWindow and if no seat was absent, in the place of what was posted one by one: who signed the set cannot
    /// commit to something else. The settleWindow begins with Committed and does not begin again. The only seat of a job cannot replace its
    /// commitment so, nor can seats that had committed before a widening: it was made before the secret was known.
    /// @param posted The commitments that are on chain, in order of seat; empty from Assigned.
    function commitSet(JobRequest calldata request, SealedSeat[] calldata roster, bytes32[] calldata posted, bytes[] calldata signatures) external;

    /// @notice In Committed, Contestable or Contested: shows that a seat signed two commitments, or two sets of the same seats. Its stake, and
    /// a bond, are then lost at the end of the job, whatever else comes out.
    /// @param roster As on chain. A set is made of its seats, or of the first `replicas` of them.
    function proveEquivocation(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        uint8 index,
        Pledge calldata first,
        Pledge calldata second
    ) external;

    /// @notice From Assigned to Contested but in Widening, while the seed of the seat's draw is known: shows that a seat claimed to hold input that it did not hold when
    /// it bid. It loses what a seat loses that signed two commitments.
    /// @param roster As on chain; commitments are not looked at in Assigned.
    /// @param bid The seat's, with its signature. Of a widened job the first seats bid for the first seed, newcomers for the widening's.
    /// @param chunks The eight that the seed picks, in order.
    /// @param proofs Of each chunk, from its leaf up, as many as the possession tree is high: leaf = sha256(0x00 || chunk), inner =
    /// sha256(0x01 || left || right), chunks of 2,048 bytes (the last may be shorter), padded with zero leaves to the next power of two.
    function proveFalseClaim(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        uint8 index,
        Bid calldata bid,
        bytes[] calldata chunks,
        bytes32[][] calldata proofs
    ) external;

    /// @notice Committed -> Widening, within settleWindow: the job's only replica is held against two more. The chance was fixed with the
    /// secret before the commitment, and the commitment before the secret was shown: the job is drawn if
    /// uint256(keccak256(abi.encode(secret, jobId, commitment))) % 10000 < auditBps. Locks 2 * maxPrice more of the client's, pulled as by
    /// `submit`. A client shows its secret only once the commitment is final on chain.
    /// @param signature The client's over Audit(jobId, secret, auditBps), or empty if the client calls.
    function audit(JobRequest calldata request, SealedSeat[] calldata roster, bytes32 secret, uint16 auditBps, bytes calldata signature) external;

    /// @notice Contested -> Widening, or Committed -> Widening with a silent client: all committed seats have opened, and there is no majority
    /// among them. Until assignWindow after the end of the opening window. Locks (replicas + 1) * maxPrice of the caller's: from the
    /// client as by `submit`, from a seat's free stake.
    /// @param openings Of all seats, in order.
    /// @param caller The client, or a seat's node.
    /// @param signature The caller's over Summon(jobId, caller), or empty if it calls itself.
    function summon(
        JobRequest calldata request,
        SealedSeat[] calldata roster,
        Opening[] calldata openings,
        address caller,
        bytes calldata signature
    ) external;

    /// @notice Widening -> Assigned, by anybody, within assignWindow, but not in its first quarter nor before the block seedBlock + bidBlocks
    /// + WIDENING_BLOCKS: time to post bids. Draws replicas + 1 newcomers as `assign` does; every kept posted bid must be among the bids.
    /// The first seats' commitments stand. From here on the job goes as one of 2 * replicas + 1 seats.
    function drawMore(JobRequest calldata request, Seat[] calldata roster, Bid[] calldata bids) external;

    /// @notice Contestable -> Contested, or one more contestant. A rejected node locks a bond of one maxPrice from its free stake and
    /// opens its own sketch of the shard that the verdict names. Must happen within disputeWindow of the verdict; of the first contest for those that join it.
    /// @param signature The node's over Contest(jobId, node), or empty if the node calls.
    function contest(JobRequest calldata request, SealedSeat[] calldata roster, Opening calldata opening, bytes calldata signature) external;

    /// @notice Opens sketches: in Contested within disputeWindow of the first contest; or in Committed after settleWindow has passed
    /// without a verdict, within disputeWindow of that. Knowledge of the salt is the authority. What is open already is passed over. The
    /// shard is the one that the verdict names; without a verdict uint256(keccak256(abi.encode(jobId, setDigest))) % shards.
    function open(JobRequest calldata request, SealedSeat[] calldata roster, Opening[] calldata openings) external;

    /// @notice Contestable -> Settled once nobody contested in time: the verdict stands. Contested -> Settled, and Committed -> Settled
    /// with a silent client, once the opening window has passed or every committed seat has opened: the contract's own majority is the
    /// verdict, the largest greedy clique of openings that are all alike, if it holds more than half of them. Where there is none and the
    /// job could be widened, not before assignWindow after the opening window: until then `summon` is possible.
    /// @param openings Exactly the opened ones, in order of seat; empty from Contestable.
    function resolve(JobRequest calldata request, SealedSeat[] calldata roster, Opening[] calldata openings) external;

    /// @notice Open -> Cancelled after assignWindow, rated as `cancel`. Assigned -> Committed after commitWindow if anyone committed, else
    /// Assigned -> Expired; the absent lose reputation and NO_SHOW_BPS of the job's stake, to the client. Widening -> Committed after
    /// assignWindow, or at once if fewer nodes than 2 * replicas + 1 ever registered: the caller has its coin back, the settleWindow begins
    /// anew, and the job cannot be widened again.
    /// @param roster Empty from Open.
    function expire(JobRequest calldata request, Seat[] calldata roster) external;

    /// @notice Open -> Cancelled by the client. Once the seed is known it costs reputation: else a client could shop for a draw.
    /// @param signature The client's over Cancel(jobId), or empty if the client calls.
    function cancel(JobRequest calldata request, bytes calldata signature) external;

    /// @notice Several steps, or steps of several jobs, in one message: all happen, or none. An empty signature stands for the sender in each.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results);

    /* VIEWS */

    function coin() external view returns (address);
    function jobIdOf(JobRequest calldata request) external view returns (bytes32);
    function job(bytes32 jobId) external view returns (Job memory);
    /// @notice keccak256(abi.encode(entropy of the seed's block, jobId)), of the widening's seed from Widening on. Reverts like `assign` where it
    /// is not known.
    function seedOf(bytes32 jobId) external view returns (bytes32);
    /// @notice The same of the first draw, whether the job is widened or not.
    function firstSeedOf(bytes32 jobId) external view returns (bytes32);
    /// @notice Largest key of a bid that can be posted `elapsed` seconds after the submit (or after the widening was called): reach << 2 * step,
    /// where step = 8 * elapsed / assignWindow. Where reach is zero and from step 6 on there is no bound, type(uint256).max. What can win in a step
    /// is what could be posted in the one before (in the first step, the same): no job dies of a small reach, for in the last everything can.
    function reachOf(JobRequest calldata request, uint256 elapsed) external pure returns (uint256);
    /// @notice A commitment posted while others are missing; zero once they are closed (the roster carries it from then on).
    function commitmentAt(bytes32 jobId, uint8 index) external view returns (bytes32);
    /// @notice As stored, that is decayed to `day`.
    function node(address account) external view returns (Party memory);
    /// @notice How many accounts ever registered as nodes, whatever stake they have.
    function nodeCount() external view returns (uint256);
    /// @notice As stored, that is decayed to `day`.
    function client(address account) external view returns (Party memory);
    /// @notice Lower bound of the success rate in basis points, decayed to now.
    function scoreOf(address account, bool asNode) external view returns (uint256);
    /// @notice Integer distances of two sketches in thousandths of the threshold, by the usual and by the strict tolerances;
    /// type(uint256).max for a malformed one.
    function sketchDistance(bytes calldata a, bytes calldata b) external view returns (uint256 distance, uint256 strict);
}
