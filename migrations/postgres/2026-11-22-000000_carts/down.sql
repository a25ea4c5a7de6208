DROP TABLE cart_items;
DROP TABLE carts;
DROP TABLE product_names;
DROP TABLE product_prices;
DROP TABLE products;
