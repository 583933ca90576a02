-- Limits, level by level, and what was used of them.

-- name: levels
-- The limits set for these owners: an account, or a card with its product.
SELECT level, per_tx, per_day, per_month, count_day, count_month, version
  FROM enrollment.spending_limit
 WHERE owner_id = :owner_id;

-- name: product_of_card
-- The most that the card's product allows.
SELECT p.per_tx, p.per_day, p.per_month, p.count_day, p.count_month
  FROM enrollment.card c
  JOIN enrollment.product p ON p.product = c.product
 WHERE c.card_id = :card_id;

-- name: hold_products
-- One loader at a time; readers are not held up.
LOCK TABLE enrollment.product IN SHARE ROW EXCLUSIVE MODE;

-- name: products
-- What every product allows.
SELECT product, per_tx, per_day, per_month, count_day, count_month FROM enrollment.product;

-- name: put_product
-- Sets all members of one product.
INSERT INTO enrollment.product (product, per_tx, per_day, per_month, count_day, count_month)
VALUES (:product, :per_tx, :per_day, :per_month, :count_day, :count_month)
ON CONFLICT (product) DO UPDATE
   SET per_tx = excluded.per_tx,
       per_day = excluded.per_day,
       per_month = excluded.per_month,
       count_day = excluded.count_day,
       count_month = excluded.count_month;

-- name: products_without_cards
-- Those of these products that no card has.
SELECT n.product
  FROM unnest(:names::text[]) WITH ORDINALITY AS n (product, place)
 WHERE NOT EXISTS (SELECT FROM enrollment.card c WHERE c.product = n.product)
 ORDER BY n.place;

-- name: put
-- Sets all members of one level.
INSERT INTO enrollment.spending_limit AS l
       (owner_id, level, per_tx, per_day, per_month, count_day, count_month, set_by, set_at)
VALUES (:owner_id, :level, :per_tx, :per_day, :per_month, :count_day, :count_month, :by, :now)
ON CONFLICT (owner_id, level) DO UPDATE
   SET per_tx = excluded.per_tx,
       per_day = excluded.per_day,
       per_month = excluded.per_month,
       count_day = excluded.count_day,
       count_month = excluded.count_month,
       set_by = excluded.set_by,
       set_at = excluded.set_at,
       version = l.version + 1
RETURNING version;

-- name: use
-- What was used of an owner's limits in that day and month.
SELECT period, amount, count
  FROM enrollment.usage
 WHERE owner_id = :owner_id
   AND (period = 'day' AND starts_on = :day OR period = 'month' AND starts_on = :month);

-- name: copy
-- A card that replaces another keeps the limits of that one, unless it has its own. Money: in another
-- currency an amount is another amount; counts stay what they are, and 0 is off everywhere.
INSERT INTO enrollment.spending_limit
       (owner_id, level, per_tx, per_day, per_month, count_day, count_month, set_by, set_at)
SELECT :becomes, l.level,
       CASE WHEN x.is_same OR l.per_tx = 0 THEN l.per_tx END,
       CASE WHEN x.is_same OR l.per_day = 0 THEN l.per_day END,
       CASE WHEN x.is_same OR l.per_month = 0 THEN l.per_month END,
       l.count_day, l.count_month, l.set_by, :now
  FROM enrollment.spending_limit l
 CROSS JOIN (
       SELECT count(DISTINCT a.currency) < 2 AS is_same
         FROM enrollment.card c
         JOIN enrollment.account a ON a.account_id = c.account_id
        WHERE c.card_id IN (:was, :becomes)) x
 WHERE l.owner_id = :was AND l.level IN ('card_branch', 'card_client')
ON CONFLICT (owner_id, level) DO NOTHING
RETURNING level, per_tx, per_day, per_month, count_day, count_month;

-- name: persons_of
-- Whose limits these are: the holder of a card, the owners of an account.
SELECT person_id FROM enrollment.card WHERE card_id = :owner_id
UNION
SELECT person_id FROM enrollment.account_person
 WHERE account_id = :owner_id AND role IN ('owner', 'co_owner')
 ORDER BY person_id;
