-- A wish that is open is the same one when the client asks for it again: it is found by its card.
CREATE INDEX host_wish_of_card ON enrollment.host_wish (card_id);
